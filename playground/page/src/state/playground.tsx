// The page's memory and the things one can do with it, for every part of the page.

import { createContext, type ComponentChildren, type JSX } from "preact";
import { useContext, useEffect, useMemo, useReducer } from "preact/hooks";
import type { Channel, Command, Id, Message, Modal } from "../discord";
import { Api, Refusal, type Value } from "./api";
import { listen } from "./socket";
import { initialState, reduce, type Action, type Pending, type State } from "./state";

type Dispatch = (action: Action) => void;
export type Values = Record<string, Value>;

/** What a person can do. Everything but `command` and `submit` reports its own failures as a notice. */
export class Deeds {
  constructor(
    readonly api: Api,
    private readonly dispatch: Dispatch,
  ) {}

  say(text: string): void {
    this.dispatch({ type: "notice", text });
  }

  open(channel: Id): void {
    this.dispatch({ type: "open", channel });
  }

  become(person: string): void {
    sessionStorage.setItem("person", person);
    this.dispatch({ type: "person", person });
  }

  closeModal(): void {
    this.dispatch({ type: "closeModal" });
  }

  dismiss(id: number): void {
    this.dispatch({ type: "dismiss", id });
  }

  forget(interaction: Id): void {
    this.dispatch({ type: "forget", interaction });
  }

  async copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      this.say("Your browser does not let this page copy.");
    }
  }

  async command(channel: Id, command: Command, path: string[], options: Values): Promise<void> {
    const subcommand = path.length > 1 ? { subcommand: path.slice(1) } : {};
    const answer = await this.api.act("command", { channel, command: command.id, ...subcommand, options });
    this.asked(answer.interaction_id, { channel, what: `/${path.join(" ")}` });
  }

  async submit(modal: Modal, values: Values, channel: Id): Promise<void> {
    const answer = await this.api.act("modal", { interaction: modal.interaction_id, values });
    this.asked(answer.interaction_id, { channel, what: modal.title });
    this.closeModal();
  }

  async message(channel: Id, content: string, files: File[]): Promise<boolean> {
    return this.attempt(() => this.api.act("message", { channel, content }, files));
  }

  async component(message: Message, customId: string, what: string, values?: string[]): Promise<void> {
    const { id, channel_id: channel } = message;
    await this.attempt(async () => {
      const about = { channel, message: id, custom_id: customId, ...(values ? { values } : {}) };
      const answer = await this.api.act("component", about);
      this.asked(answer.interaction_id, { channel, what, message: id, customId });
    });
  }

  async context(channel: Id, command: Command, target: Id): Promise<void> {
    await this.attempt(async () => {
      const answer = await this.api.act("context", { channel, command: command.id, target });
      this.asked(answer.interaction_id, { channel, what: command.name });
    });
  }

  async react(message: Message, emoji: string, add: boolean): Promise<void> {
    await this.attempt(() =>
      this.api.act("reaction", { channel: message.channel_id, message: message.id, emoji, add }),
    );
  }

  async remove(message: Message): Promise<void> {
    await this.attempt(() => this.api.act("delete", { channel: message.channel_id, message: message.id }));
  }

  async history(channel: Id, before?: Id): Promise<void> {
    await this.attempt(async () => {
      this.dispatch({ type: "history", channel, messages: await this.api.history(channel, before) });
    });
  }

  private asked(interaction: Id, pending: Pending): void {
    this.dispatch({ type: "asked", interaction, pending });
  }

  private async attempt(deed: () => Promise<unknown>): Promise<boolean> {
    try {
      await deed();
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.say(error.message);
      return false;
    }
  }
}

interface Playground {
  state: State;
  deeds: Deeds;
}

const Context = createContext<Playground | null>(null);

export function usePlayground(): Playground {
  const playground = useContext(Context);
  if (!playground) throw new Error("used outside of PlaygroundProvider");
  return playground;
}

export function currentChannel(state: State): Channel | undefined {
  return state.channels.find((each) => each.id === state.channel);
}

export function PlaygroundProvider({ children }: { children: ComponentChildren }): JSX.Element {
  const [state, dispatch] = useReducer(reduce, initialState(sessionStorage.getItem("person") ?? "member"));
  const deeds = useMemo(() => new Deeds(new Api(state.person), dispatch), [state.person]);

  useEffect(
    () => listen(state.person, dispatch, (connection) => dispatch({ type: "connection", connection })),
    [state.person],
  );
  const { connection, channel } = state;
  const missing = connection === "online" && channel !== null && state.loaded[channel] === undefined;
  useEffect(() => {
    if (missing && channel !== null) void deeds.history(channel);
  }, [missing, channel, deeds]);

  const playground = useMemo(() => ({ state, deeds }), [state, deeds]);
  return <Context.Provider value={playground}>{children}</Context.Provider>;
}
