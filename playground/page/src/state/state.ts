// Everything the page knows, and how each thing that happens changes it. Pure: no sockets, no clock, no page.

import type { Channel, Command, Id, Message, Modal, Person, User } from "../discord";
import type { ServerEvent } from "./events";

export type Connection = "connecting" | "online" | "lost" | "refused";

/** A sentence for the person, shown until it is dismissed or replaced. */
export interface Notice {
  id: number;
  text: string;
}

/** What this person asked of the bot and has no answer to yet, or got none. */
export interface Pending {
  channel: Id;
  what: string;
  message?: Id | undefined;
  customId?: string | undefined;
  failure?: string | undefined;
}

export interface State {
  connection: Connection;
  person: string;
  me: Person | null;
  people: Person[];
  bot: User | null;
  botOnline: boolean;
  server: { id: Id; name: string } | null;
  channels: Channel[];
  commands: Command[];
  uploadLimit: number;
  channel: Id | null;
  unread: ReadonlySet<Id>;
  messages: Readonly<Record<Id, Message[]>>;
  /** Channels whose past has been fetched, and whether there is more of it. */
  loaded: Readonly<Record<Id, "all" | "more">>;
  typing: Readonly<Record<Id, number>>;
  pending: Readonly<Record<Id, Pending>>;
  modal: Modal | null;
  notices: Notice[];
}

export type Action =
  | ServerEvent
  | { type: "connection"; connection: Connection }
  | { type: "person"; person: string }
  | { type: "open"; channel: Id }
  | { type: "history"; channel: Id; messages: Message[] }
  | { type: "asked"; interaction: Id; pending: Pending }
  | { type: "forget"; interaction: Id }
  | { type: "closeModal" }
  | { type: "notice"; text: string }
  | { type: "dismiss"; id: number };

/** How many messages one page of history has. */
export const PAGE = 50;

export function initialState(person: string): State {
  return {
    connection: "connecting",
    person,
    me: null,
    people: [],
    bot: null,
    botOnline: false,
    server: null,
    channels: [],
    commands: [],
    uploadLimit: 0,
    channel: null,
    unread: new Set(),
    messages: {},
    loaded: {},
    typing: {},
    pending: {},
    modal: null,
    notices: [],
  };
}

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "connection":
      return { ...state, connection: action.connection };
    case "person":
      return { ...initialState(action.person), channel: state.channel, people: state.people, me: null };
    case "hello":
      return hello(state, action);
    case "online":
      return { ...state, botOnline: action.online };
    case "commands":
      return { ...state, commands: action.commands };
    case "channels":
      return { ...state, channels: action.channels, commands: action.commands };
    case "open":
      return { ...state, channel: action.channel, unread: without(state.unread, action.channel) };
    case "history":
      return history(state, action.channel, action.messages);
    case "notice":
      return { ...state, notices: [...state.notices.slice(-2), { id: nextId(state), text: action.text }] };
    case "dismiss":
      return { ...state, notices: state.notices.filter((each) => each.id !== action.id) };
    case "modal":
      return { ...state, modal: action };
    case "closeModal":
      return { ...state, modal: null };
    default:
      return reduceInteraction(reduceMessages(state, action), action);
  }
}

function reduceMessages(state: State, action: Action): State {
  switch (action.type) {
    case "message":
      return newMessage(state, action.message);
    case "message_update":
      return withMessages(state, action.message.channel_id, (all) =>
        all.map((each) => (each.id === action.message.id ? action.message : each)),
      );
    case "message_delete":
      return withMessages(state, action.channel_id, (all) => all.filter((each) => each.id !== action.message_id));
    case "reactions":
      return withMessages(state, action.channel_id, (all) =>
        all.map((each) => (each.id === action.message_id ? { ...each, reactions: action.reactions } : each)),
      );
    case "typing":
      return { ...state, typing: { ...state.typing, [action.channel_id]: (state.typing[action.channel_id] ?? 0) + 1 } };
    default:
      return state;
  }
}

function reduceInteraction(state: State, action: Action): State {
  switch (action.type) {
    case "asked":
      return settled(state, action.interaction)
        ? state
        : { ...state, pending: { ...state.pending, [action.interaction]: action.pending } };
    case "acknowledged":
    case "forget": {
      const id = action.type === "forget" ? action.interaction : action.interaction_id;
      return { ...state, pending: { ...state.pending, [id]: ANSWERED } };
    }
    case "interaction_failed": {
      const asked = state.pending[action.interaction_id];
      const pending = { channel: state.channel ?? "", what: "", ...asked, failure: action.text };
      return { ...state, pending: { ...state.pending, [action.interaction_id]: pending } };
    }
    default:
      return state;
  }
}

/** Kept in place of what was answered: the answer may come before the reply to the request itself. */
const ANSWERED: Pending = { channel: "", what: "" };

function settled(state: State, interaction: Id): boolean {
  return state.pending[interaction] !== undefined;
}

function hello(state: State, event: Extract<ServerEvent, { type: "hello" }>): State {
  const open = event.channels.find((each) => each.id === state.channel) ?? event.channels[0];
  return {
    ...state,
    connection: "online",
    me: event.me,
    people: event.people,
    bot: event.bot,
    botOnline: event.online,
    server: event.server,
    channels: event.channels,
    commands: event.commands,
    uploadLimit: event.upload_limit,
    channel: open?.id ?? null,
    messages: {},
    loaded: {},
    pending: {},
  };
}

/** Puts a page of the past before what is there; what is there may already hold newer messages. */
function history(state: State, channel: Id, page: Message[]): State {
  const known = new Set(page.map((each) => each.id));
  const later = (state.messages[channel] ?? []).filter((each) => !known.has(each.id));
  const loaded = { ...state.loaded, [channel]: page.length < PAGE ? ("all" as const) : ("more" as const) };
  return { ...withMessages(state, channel, () => [...page, ...later]), loaded };
}

function newMessage(state: State, message: Message): State {
  const seen = message.channel_id === state.channel || message.author.id === state.me?.id;
  const known = withMessages(state, message.channel_id, (all) => [
    ...all.filter((each) => each.id !== message.id),
    message,
  ]);
  const typing = { ...known.typing, [message.channel_id]: 0 };
  return { ...known, typing, unread: seen ? state.unread : new Set([...state.unread, message.channel_id]) };
}

function withMessages(state: State, channel: Id, change: (all: Message[]) => Message[]): State {
  return { ...state, messages: { ...state.messages, [channel]: change(state.messages[channel] ?? []) } };
}

function without(set: ReadonlySet<Id>, id: Id): ReadonlySet<Id> {
  return new Set([...set].filter((each) => each !== id));
}

function nextId(state: State): number {
  return (state.notices.at(-1)?.id ?? 0) + 1;
}
