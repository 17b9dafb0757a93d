/** Viewers that speak to Redis themselves, with the face of `ViewerPool`: they count every payload, and some time it. */
import { liveChannel, streamKey } from "@danmakud/server/redis";
import { sharedMicros } from "./clock.ts";
import { LatencyHistogram } from "./histogram.ts";
import { allocate, closeSocket, connectTo, Poll, receive, transmit } from "./libc.ts";
import { PAYLOAD_BYTES, PAYLOAD_MARK, readPayloads } from "./payload.ts";
import { command, type RedisViewerOptions, ROOM } from "./redis-messages.ts";
import { type MissingRecords, missingRecords, noPoolCounts } from "./viewer-pool.ts";

const MARK = Buffer.from(PAYLOAD_MARK);
/** Head of an answer to XREAD with one stream, up to the number of its entries; before it what ended the last one. */
const XREAD_HEAD = /^[\r\n]*\*1\r\n\*2\r\n\$\d+\r\n[^\r]+\r\n\*(\d+)\r\n/;
const HEAD_BYTES_MAX = 128;
const READ_BYTES = 4 << 20;

export class RedisViewers {
  readonly counts = noPoolCounts();
  readonly latency = new LatencyHistogram();
  readonly #options: RedisViewerOptions;
  readonly #poll = new Poll();
  readonly #memory = allocate(READ_BYTES);
  readonly #scratch = allocate(4096);
  readonly #fds: Int32Array;
  readonly #records: Float64Array;
  readonly #lastNumber: Float64Array;
  /** XREAD: entries of the answer that are still to come. */
  readonly #awaited: Int32Array;
  readonly #unfinished: Uint8Array[];
  readonly #isOver: boolean[];

  constructor(options: RedisViewerOptions) {
    const { count, port } = options;
    this.#options = options;
    this.#fds = new Int32Array(count);
    this.#records = new Float64Array(count);
    this.#lastNumber = new Float64Array(count).fill(-1);
    this.#awaited = new Int32Array(count);
    this.#unfinished = new Array<Uint8Array>(count).fill(new Uint8Array(0));
    this.#isOver = new Array<boolean>(count).fill(false);
    for (let viewer = 0; viewer < count; viewer++) {
      this.#fds[viewer] = connectTo(port);
      this.#poll.add(this.#fds[viewer] as number, viewer);
      this.#ask(viewer);
      this.counts.joined++;
    }
  }

  turn(ms: number): void {
    const end = sharedMicros() + ms * 1000;
    do {
      const ready = this.#poll.wait(Math.max(1, Math.round(ms)));
      for (let i = 0; i < ready; i++) this.#read(this.#poll.ready(i));
    } while (sharedMicros() < end);
  }

  reset(_stalls: boolean): void {
    const { counts } = this;
    counts.records = 0;
    counts.frames = 0;
    counts.bytes = 0;
    counts.reads = 0;
    counts.misordered = 0;
    counts.lastMicros = 0;
    this.#records.fill(0);
    this.latency.reset();
  }

  /** Nobody is told to stall here. */
  readStalled(): void {}

  missing(expected: number): MissingRecords {
    return missingRecords(expected, this.#records, (viewer) => this.#isOver[viewer] === true);
  }

  #ask(viewer: number): void {
    const after = (this.#lastNumber[viewer] as number) + 1;
    const { way } = this.#options;
    if (way === "subscribe") this.#send(viewer, command("SUBSCRIBE", ROOM));
    else if (way === "live") this.#send(viewer, command("SSUBSCRIBE", liveChannel(ROOM)));
    else {
      this.#awaited[viewer] = -1;
      this.#send(
        viewer,
        command("XREAD", "COUNT", 1000, "BLOCK", 0, "STREAMS", streamKey(ROOM), `${after}-0`),
      );
    }
  }

  #send(viewer: number, bytes: Uint8Array): void {
    this.#scratch.bytes.set(bytes);
    const sent = transmit(this.#fds[viewer] as number, this.#scratch, 0, bytes.length);
    if (sent !== bytes.length) throw new Error(`Redis took ${sent} of ${bytes.length} bytes`);
  }

  #read(viewer: number): void {
    if (this.#isOver[viewer]) return;
    const unfinished = this.#unfinished[viewer] as Uint8Array;
    this.#memory.bytes.set(unfinished);
    const count = receive(this.#fds[viewer] as number, this.#memory, unfinished.length);
    if (count < 0) {
      this.#isOver[viewer] = true;
      this.counts.closed++;
      closeSocket(this.#fds[viewer] as number);
      return;
    }
    if (count === 0) return;
    this.counts.bytes += count;
    this.counts.reads++;
    const end = unfinished.length + count;
    const bytes = Buffer.from(this.#memory.bytes.buffer, 0, end);
    const isXread = this.#options.way === "xread";
    if (isXread && this.#awaited[viewer] === -1) {
      const head = XREAD_HEAD.exec(bytes.toString("latin1", 0, Math.min(end, HEAD_BYTES_MAX)));
      if (head === null) {
        if (bytes[0] === 0x2d) throw new Error(`Redis says ${bytes.toString("latin1", 0, 100)}`);
        this.#unfinished[viewer] = bytes.slice();
        return;
      }
      this.#awaited[viewer] = Number(head[1]);
    }
    const done = this.#payloads(viewer, bytes);
    this.#unfinished[viewer] = this.#memory.bytes.slice(done, end);
    if (isXread && this.#awaited[viewer] === 0) {
      this.#unfinished[viewer] = new Uint8Array(0);
      this.#ask(viewer);
    }
  }

  /** Takes the whole payloads in the bytes; returns where the rest begins. */
  #payloads(viewer: number, bytes: Buffer): number {
    let [from, end, found] = [-1, 0, 0];
    for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, end)) {
      if (at + PAYLOAD_BYTES > bytes.length) return this.#taken(viewer, bytes, from, end, found, at);
      if (from < 0) from = at;
      end = at + PAYLOAD_BYTES;
      found++;
    }
    // A mark may be cut in two.
    return this.#taken(viewer, bytes, from, end, found, Math.max(end, bytes.length - MARK.length + 1));
  }

  #taken(viewer: number, bytes: Buffer, from: number, end: number, found: number, rest: number): number {
    if (found === 0) return rest;
    const now = sharedMicros();
    this.counts.records += found;
    this.counts.frames += found;
    this.counts.lastMicros = now;
    this.#records[viewer] = (this.#records[viewer] as number) + found;
    if (this.#options.way === "xread")
      this.#awaited[viewer] = Math.max(0, (this.#awaited[viewer] as number) - found);
    const isProbe = viewer < this.#options.probes;
    const last = this.#options.way === "xread" && !isProbe ? end - PAYLOAD_BYTES : from;
    readPayloads(bytes.subarray(isProbe ? from : last, end), (intendedMicros, number) => {
      if (isProbe) this.latency.record(now - intendedMicros);
      if (number <= (this.#lastNumber[viewer] as number)) this.counts.misordered++;
      this.#lastNumber[viewer] = number;
    });
    return rest;
  }
}
