// Discord's own objects, as far as the page shows them.

export type Id = string;

export interface User {
  id: Id;
  username: string;
  global_name?: string | null;
  bot?: boolean;
}

export interface Emoji {
  id?: Id | null;
  name?: string | null;
  animated?: boolean;
}

export interface Reaction {
  emoji: string;
  count: number;
  me: boolean;
}

export interface Attachment {
  id: Id;
  filename: string;
  url: string;
  size: number;
  content_type?: string | null;
  width?: number | null;
  height?: number | null;
  description?: string | null;
}

export interface EmbedMedia {
  url?: string | null;
  width?: number | null;
  height?: number | null;
}

export interface Embed {
  title?: string | null;
  description?: string | null;
  url?: string | null;
  color?: number | null;
  timestamp?: string | null;
  author?: { name: string; url?: string | null; icon_url?: string | null } | null;
  footer?: { text: string; icon_url?: string | null } | null;
  image?: EmbedMedia | null;
  thumbnail?: EmbedMedia | null;
  video?: EmbedMedia | null;
  fields?: { name: string; value: string; inline?: boolean }[] | null;
}

export const Kind = {
  Row: 1,
  Button: 2,
  StringSelect: 3,
  TextInput: 4,
  UserSelect: 5,
  RoleSelect: 6,
  MentionableSelect: 7,
  ChannelSelect: 8,
  Section: 9,
  TextDisplay: 10,
  Thumbnail: 11,
  MediaGallery: 12,
  File: 13,
  Separator: 14,
  Container: 17,
  Label: 18,
  FileUpload: 19,
  RadioGroup: 21,
  CheckboxGroup: 22,
  Checkbox: 23,
} as const;

export interface Choice {
  label: string;
  value: string;
  description?: string | null;
  emoji?: Emoji | null;
  default?: boolean;
}

export interface Media {
  url: string;
  content_type?: string | null;
  width?: number | null;
  height?: number | null;
}

/** Any component: which of the fields it has depends on its type. */
export interface Component {
  type: number;
  id?: number;
  custom_id?: string;
  components?: Component[];
  component?: Component;
  accessory?: Component;
  label?: string | null;
  description?: string | null;
  style?: number;
  emoji?: Emoji | null;
  url?: string | null;
  disabled?: boolean | null;
  placeholder?: string | null;
  options?: Choice[];
  min_values?: number | null;
  max_values?: number | null;
  required?: boolean | null;
  default_values?: { id: Id; type: string }[];
  channel_types?: number[];
  content?: string;
  media?: Media;
  items?: { media: Media; description?: string | null; spoiler?: boolean }[];
  file?: Media;
  name?: string | null;
  size?: number | null;
  spoiler?: boolean | null;
  divider?: boolean | null;
  spacing?: number | null;
  accent_color?: number | null;
  min_length?: number | null;
  max_length?: number | null;
  value?: string | null;
  default?: boolean | null;
}

export const Flag = { ComponentsV2: 32768, Ephemeral: 64, Loading: 128 } as const;

export interface Message {
  id: Id;
  channel_id: Id;
  type: number;
  author: User;
  content: string;
  timestamp: string;
  edited_timestamp?: string | null;
  flags?: number;
  embeds?: Embed[];
  components?: Component[];
  attachments?: Attachment[];
  reactions?: Reaction[];
  message_reference?: { message_id?: Id } | null;
  interaction_user?: User | null;
  interaction_name?: string | null;
  deletable?: boolean;
}

export interface Person extends User {
  key: string;
  about: string;
}

export interface Channel {
  id: Id;
  type: number;
  name: string;
  topic?: string | null;
  nsfw?: boolean;
  /** Of a thread: the channel it belongs to. */
  parent_id?: Id | null;
  may: { send: boolean; attach: boolean; react: boolean; use_commands: boolean; manage_messages: boolean };
}

export const OptionType = {
  SubCommand: 1,
  SubCommandGroup: 2,
  String: 3,
  Integer: 4,
  Boolean: 5,
  User: 6,
  Channel: 7,
  Role: 8,
  Mentionable: 9,
  Number: 10,
  Attachment: 11,
} as const;

export interface OptionChoice {
  name: string;
  value: string | number;
}

export interface CommandOption {
  type: number;
  name: string;
  description: string;
  required?: boolean;
  choices?: OptionChoice[];
  autocomplete?: boolean;
  min_value?: number;
  max_value?: number;
  min_length?: number;
  max_length?: number;
  channel_types?: number[];
  options?: CommandOption[];
}

export const CommandType = { Chat: 1, User: 2, Message: 3 } as const;

export interface Command {
  id: Id;
  name: string;
  description: string;
  type?: number;
  options?: CommandOption[];
  channels: Id[];
}

export interface Modal {
  interaction_id: Id;
  title: string;
  custom_id: string;
  components: Component[];
}

export function hasFlag(message: Message, flag: number): boolean {
  return ((message.flags ?? 0) & flag) !== 0;
}

export function nameOf(user: User): string {
  return user.global_name || user.username;
}

export function isDirect(channel: Channel): boolean {
  return channel.type === 1;
}

export function isThread(channel: Channel): boolean {
  return channel.type === 11;
}

/** What stands before a channel's name. */
export function signOf(channel: Channel): string {
  if (isThread(channel)) return "↳";
  return isDirect(channel) ? "@" : "#";
}

/** An emoji as text; a server's own emoji is shown by its name, since its picture lives elsewhere. */
export function emojiText(emoji: Emoji | null | undefined): string {
  if (!emoji?.name) return "";
  return emoji.id ? `:${emoji.name}:` : emoji.name;
}
