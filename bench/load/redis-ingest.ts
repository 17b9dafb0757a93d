/** What Redis itself takes: a connection per room, commands by the batch, as many as are answered. */
import { streamKey } from "@danmakud/server/redis";
import { sharedMicros } from "./clock.ts";
import { Connection } from "./connection.ts";
import { LatencyHistogram } from "./histogram.ts";
import type { IngestCounts } from "./ingest-pool.ts";
import { sleepMicros } from "./libc.ts";
import { command, type RedisIngestOptions } from "./redis-messages.ts";

const DRAIN_LIMIT_MS = 15_000;
const SUBSCRIBE_LIMIT_MS = 5_000;
const PAUSE_MICROS = 200;
const DOLLAR = 0x24;
const COLON = 0x3a;
const MINUS = 0x2d;
const LF = 0x0a;

interface Writer {
  readonly connection: Connection;
  /** The same bytes again and again, so that making them costs nothing. */
  readonly bytes: Buffer;
  outstanding: number;
  readonly sentAt: number[];
  answered: number;
}

/** Has the face of `IngestPool`. An answer is a stream's id (`$…`) or a number of receivers (`:…`). */
export class RedisIngest {
  readonly counts: IngestCounts = { sent: 0, acked: 0, refused: 0, sequenced: 0, skipped: 0 };
  readonly latency = new LatencyHistogram();
  readonly #options: RedisIngestOptions;
  readonly #writers: Writer[] = [];
  /** Hears all that is published. */
  readonly #listener: Connection | undefined;

  constructor(options: RedisIngestOptions) {
    this.#options = options;
    if (options.kind === "publish") this.#listener = this.#listen();
    for (let room = 0; room < options.rooms; room++) {
      const connection = new Connection(options.port);
      const one = this.#command(`ingest-${room}`);
      const bytes = Buffer.concat(new Array<Buffer>(options.batch).fill(one));
      this.#writers.push({ connection, bytes, outstanding: 0, sentAt: [], answered: 0 });
    }
  }

  reset(): void {
    Object.assign(this.counts, { sent: 0, acked: 0, refused: 0, sequenced: 0, skipped: 0 });
    this.latency.reset();
  }

  pump(seconds: number): void {
    const end = sharedMicros() + seconds * 1e6;
    while (sharedMicros() < end) this.#turn(true);
  }

  drain(): void {
    const end = sharedMicros() + DRAIN_LIMIT_MS * 1000;
    while (this.#writers.some(({ outstanding }) => outstanding > 0)) {
      this.#turn(false);
      if (sharedMicros() > end) throw new Error("commands were never answered");
    }
  }

  /** What was answered is counted by the server itself. */
  ackedOffsets(): number[] {
    return [];
  }

  #command(room: string): Buffer {
    const content = "x".repeat(this.#options.contentBytes);
    if (this.#options.kind === "publish") return command("PUBLISH", room, `${Date.now()} ${room} ${content}`);
    const fields = ["timestamp", Date.now(), "uid", room, "content", content];
    return command("XADD", streamKey(room), "MAXLEN", "~", this.#options.retain, "*", ...fields);
  }

  #listen(): Connection {
    const connection = new Connection(this.#options.port);
    connection.write(command("PSUBSCRIBE", "ingest-*"));
    let isThere = false;
    connection.readUntil(
      "subscription",
      SUBSCRIBE_LIMIT_MS,
      () => isThere,
      (_, length) => {
        isThere = true;
        return length;
      },
    );
    return connection;
  }

  #turn(isSending: boolean): void {
    const { batch, window } = this.#options;
    let isBusy = false;
    for (const writer of this.#writers) {
      const { connection, bytes } = writer;
      if (connection.isClosed) throw new Error("the server closed a connection");
      if (
        isSending &&
        connection.fits(bytes.length) &&
        connection.waitingBytes === 0 &&
        writer.outstanding < window
      ) {
        connection.write(bytes);
        writer.outstanding++;
        writer.sentAt.push(sharedMicros());
        this.counts.sent += batch;
        isBusy = true;
      }
      connection.flush();
      if (connection.read((answer, length) => this.#answers(writer, answer, length))) isBusy = true;
    }
    // What the listener gets is counted by messages: each says `pmessage` once.
    if (this.#listener?.read((answer, length) => this.#heard(answer, length)) === true) isBusy = true;
    if (!isBusy) sleepMicros(PAUSE_MICROS);
  }

  #answers(writer: Writer, bytes: Uint8Array, length: number): number {
    let answers = 0;
    for (let at = 0; at < length; at++) {
      const byte = bytes[at];
      if (byte === DOLLAR || byte === COLON) answers++;
      else if (byte === MINUS && (at === 0 || bytes[at - 1] === LF)) {
        throw new Error(`Redis says ${Buffer.from(bytes.subarray(at, length)).toString("latin1", 0, 100)}`);
      }
    }
    this.counts.acked += answers;
    writer.answered += answers;
    while (writer.answered >= this.#options.batch) {
      writer.answered -= this.#options.batch;
      writer.outstanding--;
      this.latency.record(sharedMicros() - (writer.sentAt.shift() ?? 0));
    }
    return length;
  }

  #heard(bytes: Uint8Array, length: number): number {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, length);
    let done = 0;
    for (let at = buffer.indexOf(PMESSAGE); at >= 0; at = buffer.indexOf(PMESSAGE, done)) {
      this.counts.sequenced++;
      done = at + PMESSAGE.length;
    }
    return Math.max(done, length - PMESSAGE.length + 1);
  }
}

const PMESSAGE = Buffer.from("$8\r\npmessage\r\n");
