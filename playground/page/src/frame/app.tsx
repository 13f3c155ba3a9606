// The whole page: channels and people at the side, the conversation in the middle, the composer at its foot.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { signOf } from "../discord";
import { Composer } from "../composer/composer";
import { MessageList } from "../message/message_list";
import { ModalHost } from "../modal/modal";
import { currentChannel, PlaygroundProvider, usePlayground } from "../state/playground";
import { Icon } from "../pieces/icons";
import { Banner } from "./banner";
import { AgeGate, mayEnter } from "./age_gate";
import { Notices } from "./notices";
import { SidePanel } from "./side_panel";

export function App(): JSX.Element {
  return (
    <PlaygroundProvider>
      <Page />
    </PlaygroundProvider>
  );
}

function Page(): JSX.Element {
  const { state } = usePlayground();
  const [panelOpen, openPanel] = useState(false);
  const [, enter] = useState(0);
  const channel = currentChannel(state);
  return (
    <div class={`page ${panelOpen ? "panel-open" : ""}`}>
      <Banner />
      <SidePanel onChosen={() => openPanel(false)} />
      <button type="button" class="shade" aria-label="Close the channel list" onClick={() => openPanel(false)} />
      <main>
        <header class="channel-head">
          <button
            type="button"
            class="open-panel"
            aria-label="Channels and people"
            aria-expanded={panelOpen}
            onClick={() => openPanel(!panelOpen)}
          >
            <Icon name="panel" />
          </button>
          <h1>
            <span aria-hidden="true">{channel ? signOf(channel) : "#"}</span>
            {channel?.name ?? "…"}
          </h1>
          {channel?.topic && <p>{channel.topic}</p>}
        </header>
        {channel?.nsfw && !mayEnter(channel.id) ? (
          <AgeGate channel={channel} onEnter={() => enter((count) => count + 1)} />
        ) : (
          <>
            <MessageList />
            <Notices />
            <Composer />
          </>
        )}
      </main>
      <ModalHost />
    </div>
  );
}
