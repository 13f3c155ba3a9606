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
}

const NOTHING: Offer = { suggestions: [], remark: null };

/** Suggestions for a field, asked of the bot where its option has autocompletion. */
export function useSuggestions(draft: Draft, field: Field | null): Offer {
  const { state } = usePlayground();
  const asked = useAutocomplete(draft, field?.option.autocomplete ? field : null);
  if (!field || field.picked !== null) return NOTHING;
  return field.option.autocomplete ? asked : { suggestions: matching(ownList(field, state), field.text), remark: null };
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
  const [offer, setOffer] = useState<Offer>(NOTHING);
  const text = field?.picked === null ? field.text : null;
  const name = field?.option.name;
  useEffect(() => {
    if (!field || text === null || state.channel === null) return;
    let current = true;
    setOffer((before) => ({ ...before, remark: "Asking the bot…" }));
    const { command, path } = draft.invocation;
    const ask = async () => {
      const subcommand = path.length > 1 ? { subcommand: path.slice(1) } : {};
      const about = { channel: state.channel, command: command.id, ...subcommand, focused: name };
      try {
        const choices = await deeds.api.choices({ ...about, options: unfinished(draft, field) });
        const suggestions = choices.map((each) => ({ label: each.name, value: each.value }));
        if (current) setOffer({ suggestions, remark: suggestions.length ? null : "The bot offers nothing for that." });
      } catch (error) {
        if (current) setOffer({ suggestions: [], remark: error instanceof Error ? error.message : String(error) });
      }
    };
    const timer = setTimeout(() => void ask(), DEBOUNCE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [name, text]);
  return field ? offer : NOTHING;
}
