// The socket: opened anew, ever more slowly, whenever it is lost.

import type { ServerEvent } from "./events";
import type { Connection } from "./state";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

/** Listens until the returned function is called. */
export function listen(
  person: string,
  onEvent: (event: ServerEvent) => void,
  onConnection: (connection: Connection) => void,
): () => void {
  let socket: WebSocket | null = null;
  let timer = 0;
  let wait = FIRST_WAIT;
  let closed = false;

  const open = () => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/page/socket?person=${encodeURIComponent(person)}`);
    socket.onmessage = (message: MessageEvent<string>) => {
      wait = FIRST_WAIT;
      if (!closed) onEvent(JSON.parse(message.data) as ServerEvent);
    };
    socket.onclose = () => void again();
  };
  const again = async () => {
    if (closed) return;
    timer = window.setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
    const refused = await isRefused();
    if (!closed) onConnection(refused ? "refused" : "lost");
  };
  open();
  return () => {
    closed = true;
    clearTimeout(timer);
    socket?.close();
  };
}

/** A browser does not say why a socket was refused; a plain request tells a wrong key from a server that is gone. */
async function isRefused(): Promise<boolean> {
  try {
    return (await fetch("/", { cache: "no-store" })).status === 403;
  } catch {
    return false;
  }
}
