// Every way to call a command: /name, /name sub, /name group sub.

import { CommandType, OptionType, type Command, type CommandOption, type Id } from "../discord";

export interface Invocation {
  command: Command;
  /** The command's name and its subcommands'. */
  path: string[];
  description: string;
  options: CommandOption[];
}

export function invocationsIn(commands: Command[], channel: Id): Invocation[] {
  return commands
    .filter((each) => (each.type ?? CommandType.Chat) === CommandType.Chat && each.channels.includes(channel))
    .flatMap((command) => unfold(command, [command.name], command.description, command.options ?? []))
    .sort((a, b) => fullName(a).localeCompare(fullName(b)));
}

export function fullName(invocation: Invocation): string {
  return `/${invocation.path.join(" ")}`;
}

/** Those whose name begins as typed come first, then those that hold it anywhere. */
export function matchingInvocations(all: Invocation[], typed: string): Invocation[] {
  const word = typed.toLowerCase();
  const begins = all.filter((each) => fullName(each).startsWith(word));
  return [...begins, ...all.filter((each) => !begins.includes(each) && fullName(each).includes(word.slice(1)))];
}

/** The one that a text calls in full, with what is typed after its name: "/imagine a cat". */
export function calledBy(all: Invocation[], text: string): { invocation: Invocation; rest: string } | null {
  const longestFirst = [...all].sort((a, b) => b.path.length - a.path.length);
  const invocation = longestFirst.find((each) => text.startsWith(`${fullName(each)} `));
  return invocation ? { invocation, rest: text.slice(fullName(invocation).length + 1) } : null;
}

function unfold(command: Command, path: string[], description: string, options: CommandOption[]): Invocation[] {
  const inner = options.filter(
    (each) => each.type === OptionType.SubCommand || each.type === OptionType.SubCommandGroup,
  );
  if (!inner.length) return [{ command, path, description, options }];
  return inner.flatMap((each) => unfold(command, [...path, each.name], each.description, each.options ?? []));
}
