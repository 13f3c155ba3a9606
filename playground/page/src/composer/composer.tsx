// The foot of the page: a message or a command, and files dropped on either.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { OptionType, isDirect, isThread, type Channel } from "../discord";
import { currentChannel, usePlayground } from "../state/playground";
import { CommandForm } from "./command_form";
import { begin, emptyField, remaining, type Draft } from "./draft";
import { TextBox } from "./text_box";

export function Composer(): JSX.Element | null {
  const { state } = usePlayground();
  const channel = currentChannel(state);
  return channel ? <Ready key={`${state.person} ${channel.id}`} channel={channel} /> : null;
}

function Ready({ channel }: { channel: Channel }): JSX.Element {
  const [text, setText] = useState("");
  const [files, setFiles] = useState<File[]>([]);
  const [draft, setDraft] = useState<Draft | null>(null);
  const lastSent = useRef<Draft | null>(null);

  const take = (added: File[]) => {
    if (!added.length) return;
    if (draft) setDraft(attach(draft, added[0] as File));
    else if (channel.may.attach) setFiles([...files, ...added]);
  };
  const paste = (event: ClipboardEvent) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (!pasted.length) return;
    event.preventDefault();
    take(pasted);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    take([...(event.dataTransfer?.files ?? [])]);
  };
  const recall = () => {
    if (lastSent.current) setDraft(lastSent.current);
    return lastSent.current !== null;
  };
  return (
    <div class="composer" onPaste={paste} onDrop={drop} onDragOver={(event) => event.preventDefault()}>
      <Typing channel={channel.id} />
      {draft ? (
        <CommandForm
          key={draft.invocation.path.join(" ")}
          draft={draft}
          setDraft={setDraft}
          channel={channel.id}
          onSent={() => {
            lastSent.current = draft;
            setDraft(null);
            setText("");
          }}
          onLeave={(rest) => {
            setDraft(null);
            setText(rest);
          }}
        />
      ) : (
        <TextBox
          channel={channel}
          placeholder={placeholder(channel)}
          text={text}
          setText={setText}
          files={files}
          setFiles={setFiles}
          onCommand={(invocation, rest) => setDraft(begin(invocation, rest))}
          onRecall={recall}
        />
      )}
    </div>
  );
}

function placeholder(channel: Channel): string {
  const place = isThread(channel) ? "in this thread" : `${isDirect(channel) ? "@" : "#"}${channel.name}`;
  if (channel.may.send) return channel.may.use_commands ? `Message ${place}, or / for commands` : `Message ${place}`;
  return channel.may.use_commands ? "Type / for commands; you may not write here" : "You may not write here";
}

/** Puts a file into the first attachment option that is free, adding one if the command has it. */
function attach(draft: Draft, file: File): Draft {
  const free = draft.fields.find((each) => each.option.type === OptionType.Attachment && !each.file);
  if (free)
    return { ...draft, fields: draft.fields.map((each) => (each === free ? { ...each, file, error: null } : each)) };
  const option = remaining(draft).find((each) => each.type === OptionType.Attachment);
  return option ? { ...draft, fields: [...draft.fields, { ...emptyField(option), file }] } : draft;
}

const TYPING_MS = 10_000;

function Typing({ channel }: { channel: string }): JSX.Element {
  const { state } = usePlayground();
  const count = state.typing[channel] ?? 0;
  const [shown, show] = useState(false);
  useEffect(() => {
    show(count > 0);
    const timer = setTimeout(() => show(false), TYPING_MS);
    return () => clearTimeout(timer);
  }, [count]);
  return (
    <p class="typing" aria-live="polite">
      {shown && state.bot ? `${state.bot.global_name || state.bot.username} is typing…` : ""}
    </p>
  );
}
