/** How payloads get to a system: over a WebSocket, or by pipelined HTTP requests. */
import type { Answers, HttpPublisher, Message, WebSocketPublisher } from "../peers/target.ts";
import { Connection } from "./connection.ts";
import { clientFrame, OPCODES, readFrames, upgradeRequest } from "./websocket-frames.ts";

const READY_LIMIT_MS = 10_000;

export interface PublisherLink {
  /** Since the start. `accepted` stays 0 where the system does not answer. */
  readonly answers: Answers;
  /** Whether the system answers at all. */
  readonly isAnswering: boolean;
  readonly isClosed: boolean;
  readonly waitingBytes: number;
  /** Queues payloads; false where the queue is full, and then nothing was queued. */
  publish(payloads: readonly string[], first: number): boolean;
  /** Sends and reads what can be sent and read now. */
  turn(): void;
  close(): void;
}

export function connectPublisher(face: WebSocketPublisher | HttpPublisher, port: number): PublisherLink {
  return face.kind === "websocket" ? new WebSocketLink(face, port) : new HttpLink(face, port);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

class WebSocketLink implements PublisherLink {
  readonly answers: Answers = { accepted: 0, refused: 0 };
  readonly isAnswering: boolean;
  readonly #face: WebSocketPublisher;
  readonly #connection: Connection;
  #isReady = false;

  constructor(face: WebSocketPublisher, port: number) {
    this.#face = face;
    this.isAnswering = face.answers !== undefined;
    this.#connection = new Connection(port);
    this.#connection.write(upgradeRequest(port, face.path, face.subprotocol, face.headers));
    let isUpgraded = false;
    this.#connection.readUntil(
      "ready publisher",
      READY_LIMIT_MS,
      () => this.#isReady,
      (bytes, length) => {
        if (isUpgraded) return this.#read(bytes, 0, length);
        const head = Buffer.from(bytes.buffer, 0, length);
        const over = head.indexOf("\r\n\r\n");
        if (over < 0) return 0;
        const status = head.toString("latin1", 0, 12);
        if (!status.endsWith(" 101")) throw new Error(`the publisher's upgrade was answered by ${status}`);
        isUpgraded = true;
        for (const message of face.hello ?? []) this.#send(message);
        this.#isReady = face.isReady === undefined;
        return this.#read(bytes, over + 4, length);
      },
    );
  }

  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  get waitingBytes(): number {
    return this.#connection.waitingBytes;
  }

  publish(payloads: readonly string[], first: number): boolean {
    const frames = this.#face.encode(payloads, first).map((message) => clientFrame(message));
    const bytes = concat(frames);
    if (!this.#connection.fits(bytes.length)) return false;
    this.#connection.write(bytes);
    return true;
  }

  turn(): void {
    this.#connection.flush();
    this.#connection.read((bytes, length) => this.#read(bytes, 0, length));
  }

  close(): void {
    this.#connection.close();
  }

  #send(message: Message, opcode?: number): void {
    this.#connection.write(clientFrame(message, opcode));
    this.#connection.flush();
  }

  #read(bytes: Uint8Array, from: number, length: number): number {
    return readFrames(bytes, from, length, (opcode, start, end) => {
      const message = bytes.subarray(start, end);
      if (opcode === OPCODES.ping) this.#send(message.slice(), OPCODES.pong);
      if (opcode !== OPCODES.text && opcode !== OPCODES.binary) return;
      if (!this.#isReady && this.#face.isReady?.(message) === true) this.#isReady = true;
      const reply = this.#face.reply?.(message);
      if (reply !== undefined) this.#send(reply);
      this.#face.answers?.(message, this.answers);
    });
  }
}

const STATUS = Buffer.from("HTTP/1.1 ");

class HttpLink implements PublisherLink {
  readonly answers: Answers = { accepted: 0, refused: 0 };
  readonly isAnswering = true;
  readonly #face: HttpPublisher;
  readonly #port: number;
  readonly #connection: Connection;
  /** Payloads of the requests without an answer yet, oldest first. */
  readonly #asked: number[] = [];

  constructor(face: HttpPublisher, port: number) {
    this.#face = face;
    this.#port = port;
    this.#connection = new Connection(port);
  }

  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  get waitingBytes(): number {
    return this.#connection.waitingBytes;
  }

  publish(payloads: readonly string[], first: number): boolean {
    const requests = this.#face.encode(payloads, first);
    const bytes = concat(
      requests.map(({ method, path, headers = {}, body }) => {
        const lines = [
          `${method} ${path} HTTP/1.1`,
          `Host: 127.0.0.1:${this.#port}`,
          `Content-Length: ${Buffer.byteLength(body)}`,
          ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
        ];
        return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
      }),
    );
    if (!this.#connection.fits(bytes.length)) return false;
    this.#connection.write(bytes);
    for (const request of requests) this.#asked.push(request.payloads);
    return true;
  }

  turn(): void {
    this.#connection.flush();
    this.#connection.read((bytes, length) => this.#read(bytes, length));
  }

  close(): void {
    this.#connection.close();
  }

  /** Looks for status lines only; no peer's body holds one. */
  #read(bytes: Uint8Array, length: number): number {
    const text = Buffer.from(bytes.buffer, 0, length);
    let done = 0;
    for (let at = text.indexOf(STATUS); at >= 0 && at + 12 <= length; at = text.indexOf(STATUS, at + 1)) {
      const payloads = this.#asked.shift() ?? 0;
      if (text[at + STATUS.length] === 0x32) this.answers.accepted += payloads;
      else this.answers.refused += payloads;
      done = at + 12;
    }
    return Math.max(done, length - STATUS.length - 3);
  }
}
