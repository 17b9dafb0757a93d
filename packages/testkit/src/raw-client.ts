import type { ServerRecord } from "@danmakud/wire";
import { decodeFrame, encodeFrame, OPCODES, type RawFrame, type ReceivedFrame } from "./raw-frames.ts";
import { type RawAnswer, readAnswer, requestHead } from "./raw-http.ts";
import { RawSocket } from "./raw-socket.ts";
import type { CloseInfo } from "./record-socket.ts";
import { waitFor } from "./wait-for.ts";

export interface RawClientOptions {
  readonly port: number;
  /** Path and query as they go on the wire. */
  readonly path: string;
  /** Value of `Sec-WebSocket-Protocol`; absent = none is asked for. */
  readonly protocol?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sent as the key of every handshake; the answer to it is checked by real clients, not here. */
const HANDSHAKE_KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/**
 * A WebSocket client with nothing automatic in it: frames go out as the test builds them, pings are not answered, and
 * reading can be stopped. For broken frames, fragments, slow readers. Reads JSON records only.
 */
export class RawClient {
  /** The server's answer to the upgrade. */
  readonly handshake: RawAnswer;
  /** Every frame that came, control frames included. */
  readonly frames: ReceivedFrame[] = [];
  readonly records: ServerRecord[] = [];
  readonly #socket: RawSocket;
  #close: CloseInfo | undefined;

  private constructor(socket: RawSocket, handshake: RawAnswer) {
    this.#socket = socket;
    this.handshake = handshake;
  }

  /** Sends the upgrade and waits for its answer, whatever that is (`handshake.status` is 101 where it was accepted). */
  static async open(options: RawClientOptions): Promise<RawClient> {
    const socket = await RawSocket.open(options.port);
    const headers: Record<string, string> = {
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": HANDSHAKE_KEY,
      ...(options.protocol === undefined ? {} : { "Sec-WebSocket-Protocol": options.protocol }),
      ...options.headers,
    };
    socket.write(requestHead(options.port, { path: options.path, headers }));
    return new RawClient(socket, await readAnswer(socket));
  }

  get socket(): RawSocket {
    return this.#socket;
  }

  send(frame: RawFrame): void {
    this.#socket.write(encodeFrame(frame));
  }

  sendText(text: string): void {
    this.send({ opcode: OPCODES.text, payload: text });
  }

  sendJson(value: unknown): void {
    this.sendText(JSON.stringify(value));
  }

  /** Reads what has come. Returns all records so far. */
  read(): readonly ServerRecord[] {
    for (let next = decodeFrame(this.#socket.peek()); next; next = decodeFrame(this.#socket.peek())) {
      this.#socket.consume(next.used);
      this.#take(next.frame);
    }
    return this.records;
  }

  /** Waits for a record. */
  async record<T extends ServerRecord["type"]>(
    type: T,
    matches: (record: Extract<ServerRecord, { type: T }>) => boolean = () => true,
  ): Promise<Extract<ServerRecord, { type: T }>> {
    return await waitFor(
      () =>
        `a record "${type}"; got ${JSON.stringify(this.records).slice(0, 500)}, closed ${JSON.stringify(this.#close)}`,
      () =>
        this.read().find(
          (record): record is Extract<ServerRecord, { type: T }> =>
            record.type === type && matches(record as Extract<ServerRecord, { type: T }>),
        ),
    );
  }

  /** Waits until the connection has ended; the close code is 1006 where there was no close frame. */
  async closed(timeoutMs?: number): Promise<CloseInfo> {
    await waitFor(
      () => `the connection to be closed; got ${JSON.stringify(this.records).slice(0, 500)}`,
      () => {
        this.read();
        return this.#close !== undefined || this.#socket.ended;
      },
      timeoutMs === undefined ? {} : { timeoutMs },
    );
    this.read();
    return this.#close ?? { code: 1006, reason: "" };
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(frame: ReceivedFrame): void {
    this.frames.push(frame);
    const text = new TextDecoder().decode(frame.payload);
    if (frame.opcode === OPCODES.text) this.records.push(...(JSON.parse(text) as ServerRecord[]));
    if (frame.opcode !== OPCODES.close) return;
    const code = frame.payload.length < 2 ? 1005 : (frame.payload[0]! << 8) | frame.payload[1]!;
    this.#close = { code, reason: new TextDecoder().decode(frame.payload.subarray(2)) };
  }
}
