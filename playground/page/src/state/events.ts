// What the server pushes, word for word as PAGE_API.md says.

import type { Channel, Command, Id, Message, Modal, Person, Reaction, User } from "../discord";

export interface Hello {
  type: "hello";
  me: Person;
  people: Person[];
  bot: User;
  online: boolean;
  server: { id: Id; name: string };
  channels: Channel[];
  commands: Command[];
  upload_limit: number;
}

export type ServerEvent =
  | Hello
  | { type: "online"; online: boolean }
  | { type: "commands"; commands: Command[] }
  | { type: "channels"; channels: Channel[]; commands: Command[] }
  | { type: "message" | "message_update"; message: Message }
  | { type: "message_delete"; channel_id: Id; message_id: Id }
  | { type: "reactions"; channel_id: Id; message_id: Id; reactions: Reaction[] }
  | { type: "typing"; channel_id: Id; user_id: Id }
  | { type: "acknowledged"; interaction_id: Id }
  | { type: "interaction_failed"; interaction_id: Id; text: string }
  | ({ type: "modal" } & Modal);
