import { decodeServerRecords, encodeClientRecord, FRAME_BYTES_MAX } from "@danmakud/wire";
import { WAKE_TIMEOUT_MS } from "./limits.ts";
import { asRecords, type Link, type LinkHandlers, messageOf, NO_CLOSE_FRAME } from "./link.ts";
import type { WebSocketConstructor } from "./types.ts";

/** `WebSocket.send` copies before it returns, so all links may share one buffer. */
const scratch = new Uint8Array(FRAME_BYTES_MAX);

/** Opens a WebSocket that speaks TLV or JSON. */
export function openWebSocket(
  WebSocketClass: WebSocketConstructor,
  url: string,
  token: string | undefined,
  tlv: boolean,
  { onRecords, onClosed }: LinkHandlers,
): Link {
  const protocols = [tlv ? "danmaku.tlv.v1" : "danmaku.json.v1"];
  // A token in a subprotocol stays out of the logs that URLs end up in.
  if (token !== undefined) protocols.push(`bearer.${token}`);
  const socket = new WebSocketClass(url, protocols);
  let opened = false;
  const close = (): void => {
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  };
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    opened = true;
  };
  socket.onmessage = ({ data }) => {
    let records: ReturnType<typeof asRecords>;
    try {
      records =
        typeof data === "string"
          ? asRecords(JSON.parse(data))
          : decodeServerRecords(new Uint8Array(data as ArrayBuffer));
    } catch (error) {
      close();
      onClosed(NO_CLOSE_FRAME, messageOf(error));
      return;
    }
    onRecords(records);
  };
  socket.onclose = ({ code, reason }) => {
    // Before the upgrade no code is the server's: runtimes make up different ones for the same lost connection.
    onClosed(opened ? code : NO_CLOSE_FRAME, reason);
  };
  // `close` always follows and says more.
  socket.onerror = () => {};
  return {
    answersWithinMs: WAKE_TIMEOUT_MS,
    send(record) {
      socket.send(tlv ? scratch.subarray(0, encodeClientRecord(record, scratch, 0)) : JSON.stringify(record));
    },
    close,
  };
}
