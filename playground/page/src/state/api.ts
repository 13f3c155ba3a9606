// The page's requests. A refusal is an error whose message is a sentence for people.

import type { Id, Message, OptionChoice, User } from "../discord";
import { PAGE } from "./state";

export type Value = string | number | boolean | null | string[] | number[] | File | File[];

export class Refusal extends Error {
  constructor(
    message: string,
    readonly field: string | null = null,
  ) {
    super(message);
  }
}

const GONE = "The playground's server does not answer. Is it still running?";

export class Api {
  constructor(readonly person: string) {}

  /** Carries out one action; files anywhere in its values travel beside the JSON and are named by their number. */
  async act<T = { interaction_id: Id }>(
    action: string,
    payload: Record<string, unknown>,
    files: File[] = [],
  ): Promise<T> {
    const all = [...files];
    const json = JSON.stringify(payload, (_key, value: unknown) =>
      value instanceof File ? all.push(value) - 1 : value,
    );
    const address = `/page/${action}?person=${encodeURIComponent(this.person)}`;
    return read<T>(() => fetch(address, { method: "POST", ...bodyOf(json, all) }));
  }

  async history(channel: Id, before?: Id): Promise<Message[]> {
    const query = new URLSearchParams({
      person: this.person,
      channel,
      limit: String(PAGE),
      ...(before ? { before } : {}),
    });
    return (await read<{ messages: Message[] }>(() => fetch(`/page/messages?${query}`))).messages;
  }

  async reactors(channel: Id, message: Id, emoji: string): Promise<User[]> {
    const query = new URLSearchParams({ person: this.person, channel, message, emoji });
    return (await read<{ users: User[] }>(() => fetch(`/page/reactors?${query}`))).users;
  }

  async choices(payload: Record<string, unknown>): Promise<OptionChoice[]> {
    return (await this.act<{ choices: OptionChoice[] }>("autocomplete", payload)).choices;
  }
}

function bodyOf(json: string, files: File[]): RequestInit {
  if (!files.length) return { body: json, headers: { "Content-Type": "application/json" } };
  const form = new FormData();
  form.append("payload_json", json);
  files.forEach((file, i) => form.append(`files[${i}]`, file, file.name));
  return { body: form };
}

async function read<T>(send: () => Promise<Response>): Promise<T> {
  let response: Response;
  try {
    response = await send();
  } catch {
    throw new Refusal(GONE);
  }
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as T;
  const told = answer as { error?: string; field?: string | null } | null;
  throw new Refusal(told?.error ?? inWords(response.status), told?.field ?? null);
}

function inWords(status: number): string {
  if (status === 403) return "The server does not know this page any more. Open the newest address that it printed in its terminal.";
  if (status === 413) return "That is more than the server takes at once.";
  return `The playground's server could not do that (error ${status}).`;
}
