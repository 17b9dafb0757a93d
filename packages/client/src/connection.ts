/** One WebSocket of a room: opens it, turns frames into records, notices when it is dead though nobody closed it. */
import {
  type ClientRecord,
  DanmakuError,
  decodeServerRecords,
  encodeClientRecord,
  FRAME_BYTES_MAX,
  type ServerRecord,
} from "@danmakud/wire";
import { HELLO_TIMEOUT_MS, PING_AFTER_MS, PONG_TIMEOUT_MS, WATCH_INTERVAL_MS } from "./limits.ts";
import type { WebSocketConstructor } from "./types.ts";

export interface ConnectionHandlers {
  /** The records of one frame, in order. */
  readonly onRecords: (records: readonly ServerRecord[]) => void;
  /** Called once, last of all; not called after `close()`. 1006 = the connection was lost, or never came about. */
  readonly onClosed: (code: number, reason: string) => void;
}

const NO_CLOSE_FRAME = 1006;

/** `WebSocket.send` copies before it returns, so all connections may share one buffer. */
const scratch = new Uint8Array(FRAME_BYTES_MAX);

export class Connection {
  readonly #socket: WebSocket;
  readonly #handlers: ConnectionHandlers;
  readonly #tlv: boolean;
  readonly #watch: ReturnType<typeof setInterval>;
  #opened = false;
  #greeted = false;
  /** Time of the last frame, at first of the start. */
  #heardAt = Date.now();
  /** Time of a `ping` that nothing has followed yet, or 0. */
  #pingedAt = 0;

  constructor(
    WebSocketClass: WebSocketConstructor,
    url: string,
    token: string | undefined,
    tlv: boolean,
    handlers: ConnectionHandlers,
  ) {
    const protocols = [tlv ? "danmaku.tlv.v1" : "danmaku.json.v1"];
    // A token in a subprotocol stays out of the logs that URLs end up in.
    if (token !== undefined) protocols.push(`bearer.${token}`);
    this.#handlers = handlers;
    this.#tlv = tlv;
    this.#socket = new WebSocketClass(url, protocols);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => {
      this.#opened = true;
    };
    this.#socket.onmessage = ({ data }) => this.#receive(data);
    this.#socket.onclose = ({ code, reason }) => {
      // Before the upgrade no code is the server's: runtimes make up different ones for the same lost connection.
      this.#end(this.#opened ? code : NO_CLOSE_FRAME, reason);
    };
    // `close` always follows and says more.
    this.#socket.onerror = () => {};
    this.#watch = setInterval(() => this.#look(), WATCH_INTERVAL_MS);
  }

  /**
   * Sends one record.
   * @throws DanmakuError where it cannot be encoded.
   */
  send(record: ClientRecord): void {
    if (!this.#tlv) {
      this.#socket.send(JSON.stringify(record));
      return;
    }
    this.#socket.send(scratch.subarray(0, encodeClientRecord(record, scratch, 0)));
  }

  /** Closes without a further call to the handlers. */
  close(): void {
    this.#detach();
    this.#socket.close(1000);
  }

  #receive(data: unknown): void {
    this.#heardAt = Date.now();
    this.#pingedAt = 0;
    let records: readonly ServerRecord[];
    try {
      records = decodeFrame(data);
    } catch (error) {
      this.#drop(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#greeted = true;
    this.#handlers.onRecords(records);
  }

  #look(): void {
    const now = Date.now();
    const silentMs = now - this.#heardAt;
    if (!this.#greeted) {
      if (silentMs > HELLO_TIMEOUT_MS) this.#drop("no hello");
    } else if (this.#pingedAt > 0) {
      if (now - this.#pingedAt > PONG_TIMEOUT_MS) this.#drop("no pong");
    } else if (silentMs > PING_AFTER_MS) {
      // Asked first even after hours: a laptop that wakes up, or a throttled tab, has timers that come late.
      this.#pingedAt = now;
      this.send({ type: "ping", id: 0 });
    }
  }

  /** Gives up on the socket at once: its own `close` event may take the browser a minute. */
  #drop(reason: string): void {
    this.#socket.close();
    this.#end(NO_CLOSE_FRAME, reason);
  }

  #end(code: number, reason: string): void {
    this.#detach();
    this.#handlers.onClosed(code, reason);
  }

  #detach(): void {
    clearInterval(this.#watch);
    this.#socket.onopen = null;
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
  }
}

/**
 * The records of a frame. A binary one is checked to the last bit; in a text only what would disturb the SDK itself is
 * looked for, so that a later server may add types and fields.
 */
function decodeFrame(data: unknown): readonly ServerRecord[] {
  if (typeof data !== "string") return decodeServerRecords(new Uint8Array(data as ArrayBuffer));
  const records: unknown = JSON.parse(data);
  if (!Array.isArray(records) || !records.every((record) => typeof record?.type === "string")) {
    throw new DanmakuError("invalid_message", "a frame is not an array of records");
  }
  return records;
}
