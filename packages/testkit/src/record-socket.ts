import { type ClientRecord, encodeRecord, type ServerRecord } from "@danmakud/wire";
import { readBinaryFrame, readTextFrame } from "./frame-cache.ts";
import { within } from "./wait-for.ts";

/** The two forms of the protocol on a WebSocket. */
export type SocketEncoding = "json" | "tlv";

export const SUBPROTOCOLS = { json: "danmaku.json.v1", tlv: "danmaku.tlv.v1" } as const;

export interface CloseInfo {
  readonly code: number;
  readonly reason: string;
}

export interface RecordSocketOptions {
  readonly url: string;
  readonly encoding: SocketEncoding;
  /** Subprotocols to offer in place of the one of `encoding`. */
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Called for each frame with its records, in order. */
  readonly onRecords: (records: readonly ServerRecord[]) => void;
  readonly onClose?: (info: CloseInfo) => void;
}

/** Room for a frame of publishes; the protocol's frame limit is 64 KiB. */
const SEND_BUFFER_BYTES = 80 * 1024;

/** Bun's own constructor; the types of browsers, which the project shares, do not know its options. */
const BunWebSocket = WebSocket as unknown as new (
  url: string,
  options: Bun.WebSocketOptions,
) => Bun.WebSocket;

/** One WebSocket that speaks records. A frame that cannot be read goes to `faults`. */
export class RecordSocket {
  /** Settles when the connection is gone, with the close code seen by the client (1006 = without a close frame). */
  readonly closed: Promise<CloseInfo>;
  /** What was wrong with frames of the server; empty is good. */
  readonly faults: string[] = [];
  readonly #socket: Bun.WebSocket;
  readonly #encoding: SocketEncoding;
  readonly #onRecords: RecordSocketOptions["onRecords"];
  readonly #opened = Promise.withResolvers<void>();

  constructor(options: RecordSocketOptions) {
    this.#encoding = options.encoding;
    this.#onRecords = options.onRecords;
    this.#socket = new BunWebSocket(options.url, {
      protocols: [...(options.protocols ?? [SUBPROTOCOLS[options.encoding]])],
      headers: { ...options.headers },
      perMessageDeflate: false,
    });
    this.#socket.binaryType = "arraybuffer";
    this.#opened.promise.catch(() => {});
    const closed = Promise.withResolvers<CloseInfo>();
    this.closed = closed.promise;
    this.#socket.onopen = () => this.#opened.resolve();
    this.#socket.onmessage = (event) => this.#receive(event.data);
    this.#socket.onerror = () => {};
    this.#socket.onclose = (event) => {
      const info = { code: event.code, reason: event.reason };
      this.#opened.reject(new Error(`closed before it was open: ${info.code} ${info.reason}`));
      closed.resolve(info);
      options.onClose?.(info);
    };
  }

  /** Settles when the upgrade is done; rejects where the connection ends before. */
  opened(): Promise<void> {
    return within("the WebSocket to open", this.#opened.promise);
  }

  /** The subprotocol that the server chose. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** Sends records as one frame. */
  send(records: readonly ClientRecord[]): void {
    if (this.#encoding === "json") {
      this.#socket.send(JSON.stringify(records.length === 1 ? records[0] : records));
      return;
    }
    const bytes = new Uint8Array(SEND_BUFFER_BYTES);
    let end = 0;
    for (const record of records) end = encodeRecord(record, bytes, end);
    this.#socket.send(bytes.subarray(0, end));
  }

  /** Sends a frame as it is: text as a text frame, bytes as a binary one. */
  sendFrame(frame: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(frame);
  }

  /** Closes politely and waits for the end. */
  async close(): Promise<CloseInfo> {
    this.#socket.close(1000);
    return await within("the WebSocket to close", this.closed);
  }

  /** Drops the TCP connection without a close frame, as a lost network does. */
  async terminate(): Promise<void> {
    this.#socket.terminate();
    await within("the WebSocket to be gone", this.closed);
  }

  #receive(data: unknown): void {
    const records = this.#decode(data);
    if (records) this.#onRecords(records);
  }

  #decode(data: unknown): readonly ServerRecord[] | undefined {
    try {
      if (typeof data === "string") {
        if (this.#encoding !== "json") throw new Error("a text frame on a TLV connection");
        return readTextFrame(data);
      }
      if (this.#encoding !== "tlv") throw new Error("a binary frame on a JSON connection");
      return readBinaryFrame(new Uint8Array(data as ArrayBuffer));
    } catch (error) {
      this.faults.push(String(error));
      return undefined;
    }
  }
}
