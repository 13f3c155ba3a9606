// What can be picked for the option that is being typed.

import { useEffect, useState } from "preact/hooks";
import { OptionType } from "../discord";
import { channels, everybody, roles } from "../pieces/select_choices";
import { usePlayground } from "../state/playground";
import type { State } from "../state/state";
import { unfinished, type Draft, type Field, type Suggestion } from "./draft";

const DEBOUNCE_MS = 250;

export interface Offer {
  suggestions: Suggestion[];
  /** Said in place of a list: still asking, or why there is none. */
  remark: string | null;
  /** Whether they are for what is typed right now. */
  fresh: boolean;
}

const NOTHING: Offer = { suggestions: [], remark: null, fresh: true };

/** Suggestions for a field, asked of the bot where its option has autocompletion. */
export function useSuggestions(draft: Draft, field: Field | null): Offer {
  const { state } = usePlayground();
  const asked = useAutocomplete(draft, field?.option.autocomplete ? field : null);
  if (!field || field.picked !== null) return NOTHING;
  if (field.option.autocomplete) return asked;
  return { suggestions: matching(ownList(field, state), field.text), remark: null, fresh: true };
}

function ownList({ option }: Field, state: State): Suggestion[] {
  if (option.choices?.length) return option.choices.map((each) => ({ label: each.name, value: each.value }));
  switch (option.type) {
    case OptionType.Boolean:
      return [
        { label: "True", value: true },
        { label: "False", value: false },
      ];
    case OptionType.User:
      return everybody(state);
    case OptionType.Role:
      return roles(state);
    case OptionType.Mentionable:
      return [...everybody(state), ...roles(state)];
    case OptionType.Channel:
      return channels(state, option.channel_types ?? []);
    default:
      return [];
  }
}

function matching(all: Suggestion[], typed: string): Suggestion[] {
  const word = typed.trim().toLowerCase();
  return all.filter((each) => each.label.toLowerCase().includes(word));
}

function useAutocomplete(draft: Draft, field: Field | null): Offer {
  const { state, deeds } = usePlayground();
  const [answer, setAnswer] = useState<Answer>({ asked: "", suggestions: [], remark: null });
  const text = field?.picked === null ? field.text : null;
  const name = field?.option.name;
  const asked = `${name}:${text}`;
  useEffect(() => {
    if (!field || text === null || state.channel === null) return;
    let current = true;
    const { command, path } = draft.invocation;
    const ask = async () => {
      const subcommand = path.length > 1 ? { subcommand: path.slice(1) } : {};
      const about = { channel: state.channel, command: command.id, ...subcommand, focused: name };
      try {
        const choices = await deeds.api.choices({ ...about, options: unfinished(draft, field) });
        const suggestions = choices.map((each) => ({ label: each.name, value: each.value }));
        const remark = suggestions.length ? null : "The bot offers nothing for that.";
        if (current) setAnswer({ asked, suggestions, remark });
      } catch (error) {
        const remark = error instanceof Error ? error.message : String(error);
        if (current) setAnswer({ asked, suggestions: [], remark });
      }
    };
    const timer = setTimeout(() => void ask(), DEBOUNCE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [name, text]);
  if (!field) return NOTHING;
  if (answer.asked === asked) return { ...answer, fresh: true };
  const before = answer.asked.startsWith(`${name}:`) ? answer.suggestions : [];
  return { suggestions: before, remark: before.length ? null : "Asking the bot…", fresh: false };
}

interface Answer {
  asked: string;
  suggestions: Suggestion[];
  remark: string | null;
}
