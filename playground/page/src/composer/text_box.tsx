// Where one types: plain words are a message, a slash begins a command.

import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Channel, type Person } from "../discord";
import { FileStrip } from "../pieces/file_strip";
import { Icon } from "../pieces/icons";
import { usePlayground } from "../state/playground";
import { calledBy, fullName, invocationsIn, matchingInvocations, type Invocation } from "./invocations";
import { SuggestionList, rowId } from "./suggestion_list";

interface Props {
  channel: Channel;
  placeholder: string;
  text: string;
  setText: (text: string) => void;
  files: File[];
  setFiles: (files: File[]) => void;
  onCommand: (invocation: Invocation, rest: string) => void;
  onRecall: () => boolean;
}

const LIST = "commands";

export function TextBox(props: Props): JSX.Element {
  const { channel, text, setText, files, setFiles, onCommand } = props;
  const { state, deeds } = usePlayground();
  const [marked, mark] = useState(0);
  const [closed, setClosed] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  const chooser = useRef<HTMLInputElement>(null);
  const all = channel.may.use_commands ? invocationsIn(state.commands, channel.id) : [];
  const found = text.startsWith("/") ? matchingInvocations(all, text.trimEnd()) : [];
  const nothing = text === "/" && !all.length ? nothingToUse(channel, state.botOnline) : null;
  const open = (found.length > 0 || nothing !== null) && !closed;
  const at = Math.min(marked, found.length - 1);

  useLayoutEffect(() => box.current?.focus(), [channel.id]);
  const typed = (value: string) => {
    setText(value);
    mark(0);
    setClosed(false);
    const called = calledBy(all, value);
    if (called) onCommand(called.invocation, called.rest);
  };
  const pick = (index: number) => {
    const invocation = found[index];
    if (invocation) onCommand(invocation, "");
  };
  const send = async () => {
    const content = withMentions(text.trim(), state.people);
    if (!content && !files.length) return;
    if (content.startsWith("/") && all.length && !files.length) {
      deeds.say(`There is no command ${content.split(" ")[0]} here. Type / to see them all.`);
      return;
    }
    setText("");
    setFiles([]);
    if (!(await deeds.message(channel.id, content, files))) {
      setText(text);
      setFiles(files);
    }
  };
  const keys = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (found.length && open && step) mark((at + step + found.length) % found.length);
    else if (found.length && open && (event.key === "Tab" || event.key === "Enter") && !event.shiftKey) pick(at);
    else if (open && event.key === "Escape") setClosed(true);
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) void send();
    else if (!(step < 0 && text === "" && props.onRecall())) return;
    event.preventDefault();
  };
  return (
    <div class="text-box">
      {open && (
        <SuggestionList
          id={LIST}
          title={<b>Commands</b>}
          rows={found.map((each) => ({ key: fullName(each), label: fullName(each), description: each.description }))}
          marked={at}
          onPick={pick}
          remark={nothing}
        />
      )}
      <FileStrip files={files} limit={state.uploadLimit} onChange={setFiles} />
      <div class="line">
        {channel.may.attach && (
          <button type="button" class="attach" aria-label="Attach files" onClick={() => chooser.current?.click()}>
            <Icon name="plus" />
          </button>
        )}
        <input
          ref={chooser}
          type="file"
          multiple
          class="unseen"
          tabIndex={-1}
          aria-label="Files to attach"
          onChange={(event) => {
            setFiles([...files, ...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = "";
          }}
        />
        <textarea
          ref={box}
          rows={1}
          value={text}
          placeholder={props.placeholder}
          aria-label={props.placeholder}
          aria-haspopup="listbox"
          aria-controls={LIST}
          aria-autocomplete="list"
          aria-activedescendant={open ? rowId(LIST, at) : undefined}
          disabled={!channel.may.send && !channel.may.use_commands}
          onInput={(event) => typed(event.currentTarget.value)}
          onKeyDown={keys}
        />
        <button type="button" class="send" aria-label="Send" onClick={() => void send()}>
          <Icon name="send" />
        </button>
      </div>
    </div>
  );
}

function nothingToUse(channel: Channel, online: boolean): string {
  if (!channel.may.use_commands) return "You may not use commands here.";
  return online ? "The bot has no command that you may use here." : "The bot is offline, so there are no commands yet.";
}

/** Turns @name of somebody here into the mention that Discord sends. */
function withMentions(text: string, people: Person[]): string {
  return text.replace(/(^|\s)@([\w.]+)/g, (whole, before: string, name: string) => {
    const person = people.find((each) => each.username === name);
    return person ? `${before}<@${person.id}>` : whole;
  });
}
