// What an option takes, in words.

import { OptionType, type CommandOption } from "../discord";

export function rangeOf(option: CommandOption): string {
  const text = option.type === OptionType.String;
  const least = text ? option.min_length : option.min_value;
  const most = text ? option.max_length : option.max_value;
  const unit = text ? " characters" : "";
  if (least !== undefined && most !== undefined) return `${least} to ${most}${unit}`;
  if (least !== undefined) return `at least ${least}${unit}`;
  return most === undefined ? "" : `at most ${most}${unit}`;
}
