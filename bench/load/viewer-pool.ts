/** Very many viewers in one thread: reads what comes, counts it, and times it for some of them. */
import { CLOSE_CODES } from "@danmakud/wire";
import type { Message, Tally, ViewerFace } from "../peers/target.ts";
import { sharedMicros } from "./clock.ts";
import { LatencyHistogram } from "./histogram.ts";
import {
  allocate,
  closeSocket,
  connectTo,
  isSame,
  type Memory,
  Poll,
  receive,
  sleepMicros,
  transmit,
} from "./libc.ts";
import { readPayloads } from "./payload.ts";
import { clientFrame, OPCODES, readFrames, upgradeRequest } from "./websocket-frames.ts";

export interface PoolOptions {
  readonly face: ViewerFace;
  readonly port: number;
  /** Number of the first viewer. */
  readonly first: number;
  readonly count: number;
  /** Viewers that decode and time every record, spread evenly over all. */
  readonly probes: number;
  /**
   * Pause between looks at the sockets while there is nothing, µs. A reader that sleeps has to be woken by the server's
   * writes, at the server's cost, which readers on other machines do not do to it; a pause avoids that and adds itself
   * to the latencies. 0: sleep until something comes.
   */
  readonly pauseMicros: number;
  /** So many viewers, the last ones, can be told to read nothing (`reset`) until `readStalled`. */
  readonly stalled: number;
}

/** State of a viewer. */
const CONNECTING = 0;
/** The upgrade is done, the system's own word is awaited. */
const JOINING = 1;
const JOINED = 2;
const CLOSED = 3;

/** Longest message of a system, and so the most that a viewer's unfinished one may take. */
const MESSAGE_BYTES_MAX = 4 << 20;
/** Handshakes on the way at once: below every server's queue of connections to accept. */
const HANDSHAKES_MAX = 100;
const CHUNKS_KEPT = 4;
/** Longer chunks are rare, so comparing them would not pay. */
const CHUNK_BYTES_MAX = 64 * 1024;

/** Bytes read in one go, all of them data, and what was in them. The next viewers probably get the same. */
interface Chunk {
  readonly memory: Memory;
  length: number;
  records: number;
  skipped: number;
  frames: number;
}

export interface PoolCounts {
  joined: number;
  /** Viewers whose connection ended. */
  closed: number;
  /** Of these, closed by the server as too slow. */
  closedSlow: number;
  records: number;
  skipped: number;
  /** Data frames. */
  frames: number;
  bytes: number;
  /** Reads that brought something. */
  reads: number;
  /** Records out of order or twice, seen by probes. */
  misordered: number;
  pings: number;
  /** When the last record came, shared µs. */
  lastMicros: number;
}

export const noPoolCounts = (): PoolCounts => ({
  joined: 0,
  closed: 0,
  closedSlow: 0,
  records: 0,
  skipped: 0,
  frames: 0,
  bytes: 0,
  reads: 0,
  misordered: 0,
  pings: 0,
  lastMicros: 0,
});

/** Records that did not come, by why, and those that came twice. */
export interface MissingRecords {
  readonly closed: number;
  readonly lost: number;
  readonly twice: number;
}

/** Compares what each viewer got with what all should have. */
export function missingRecords(
  expected: number,
  records: Float64Array,
  isClosed: (viewer: number) => boolean,
): MissingRecords {
  const sums = { closed: 0, lost: 0, twice: 0 };
  for (const [viewer, got] of records.entries()) {
    if (got > expected) sums.twice += got - expected;
    else if (isClosed(viewer)) sums.closed += expected - got;
    else sums.lost += expected - got;
  }
  return sums;
}

export class ViewerPool {
  readonly counts = noPoolCounts();
  readonly latency = new LatencyHistogram();
  readonly #options: PoolOptions;
  readonly #face: ViewerFace;
  readonly #poll = new Poll();
  readonly #memory = allocate(MESSAGE_BYTES_MAX);
  readonly #scratch = allocate(64 * 1024);
  readonly #fds: Int32Array;
  readonly #state: Uint8Array;
  /** Records and announced holes per viewer since `reset`. */
  readonly #records: Float64Array;
  readonly #lastNumber: Float64Array;
  readonly #unfinished: (Uint8Array | undefined)[];
  readonly #chunks: Chunk[] = [];
  #oldestChunk = 0;
  readonly #tally: Tally = { records: 0, skipped: 0 };
  readonly #probeEvery: number;
  /** Number of the first viewer that reads nothing. */
  #stalledFrom: number;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#face = options.face;
    this.#fds = new Int32Array(options.count).fill(-1);
    this.#state = new Uint8Array(options.count);
    this.#records = new Float64Array(options.count);
    this.#lastNumber = new Float64Array(options.count).fill(-1);
    this.#unfinished = new Array<Uint8Array | undefined>(options.count).fill(undefined);
    this.#stalledFrom = options.count;
    this.#probeEvery = Math.max(1, Math.floor(options.count / Math.max(1, options.probes)));
    for (let i = 0; i < CHUNKS_KEPT; i++) {
      this.#chunks.push({ memory: allocate(CHUNK_BYTES_MAX), length: 0, records: 0, skipped: 0, frames: 0 });
    }
  }

  /** Connects all viewers and waits until they are joined. Throws where they are not within the limit. */
  connect(limitMs: number): void {
    const { count, port, first } = this.#options;
    const deadline = sharedMicros() + limitMs * 1000;
    let started = 0;
    let outstanding = 0;
    for (;;) {
      while (started < count && outstanding < HANDSHAKES_MAX) {
        this.#fds[started] = connectTo(port);
        this.#request(started, this.#face.path(first + started));
        this.#poll.add(this.#fds[started] as number, started);
        started++;
        outstanding++;
      }
      this.turn(10);
      outstanding = started - this.counts.joined - this.counts.closed;
      if (this.counts.closed > 0) throw new Error(`${this.counts.closed} viewers were refused`);
      if (this.counts.joined === count) return;
      if (sharedMicros() > deadline) {
        throw new Error(`only ${this.counts.joined} of ${count} viewers joined in ${limitMs} ms`);
      }
    }
  }

  /** Looks at the sockets for about so long. */
  turn(ms: number): void {
    const { pauseMicros } = this.#options;
    const end = sharedMicros() + ms * 1000;
    do {
      const ready = this.#poll.wait(pauseMicros === 0 ? Math.max(1, Math.round(ms)) : 0);
      for (let i = 0; i < ready; i++) this.#read(this.#poll.ready(i));
      if (ready === 0) sleepMicros(pauseMicros);
    } while (sharedMicros() < end);
  }

  /** Counts from zero again; `stalls`: from now on those who are to read nothing do so. */
  reset(stalls: boolean): void {
    const { counts } = this;
    if (stalls) this.#stalledFrom = this.#options.count - this.#options.stalled;
    counts.records = 0;
    counts.skipped = 0;
    counts.frames = 0;
    counts.bytes = 0;
    counts.reads = 0;
    counts.misordered = 0;
    counts.pings = 0;
    counts.lastMicros = 0;
    this.#records.fill(0);
    this.latency.reset();
  }

  /** From now on all viewers read. What they left unread is not timed. */
  readStalled(): void {
    const from = this.#stalledFrom;
    this.#stalledFrom = this.#options.count;
    // What arrived was said once; and how much it is nobody knows.
    for (let viewer = from; viewer < this.#options.count; viewer++) {
      for (let before = -1; before !== this.counts.bytes; ) {
        before = this.counts.bytes;
        this.#read(viewer);
      }
    }
  }

  /** What of `expected` records per viewer neither came nor was announced, by why; and what came twice. */
  missing(expected: number): MissingRecords {
    return missingRecords(expected, this.#records, (viewer) => this.#state[viewer] === CLOSED);
  }

  close(): void {
    for (const fd of this.#fds) if (fd >= 0) closeSocket(fd);
    this.#fds.fill(-1);
  }

  #request(viewer: number, path: string): void {
    const { subprotocol, headers } = this.#face;
    this.#send(viewer, upgradeRequest(this.#options.port, path, subprotocol, headers));
  }

  #send(viewer: number, bytes: Uint8Array): void {
    this.#scratch.bytes.set(bytes);
    const sent = transmit(this.#fds[viewer] as number, this.#scratch, 0, bytes.length);
    if (sent !== bytes.length) throw new Error(`a socket took ${sent} of ${bytes.length} bytes`);
  }

  /** @hot bench/fanout.ts */
  #read(viewer: number): void {
    if (this.#state[viewer] === CLOSED) return;
    if (viewer >= this.#stalledFrom && this.#state[viewer] === JOINED) return;
    const unfinished = this.#unfinished[viewer];
    let from = 0;
    if (unfinished !== undefined) {
      this.#memory.bytes.set(unfinished);
      from = unfinished.length;
      this.#unfinished[viewer] = undefined;
    }
    const count = receive(this.#fds[viewer] as number, this.#memory, from);
    if (count < 0) {
      this.#closed(viewer);
      return;
    }
    const end = from + count;
    this.counts.bytes += count;
    this.counts.reads++;
    const isProbe = viewer % this.#probeEvery === 0 && viewer < this.#options.count - this.#options.stalled;
    if (from === 0 && !isProbe && this.#state[viewer] === JOINED && this.#readKnown(viewer, end)) return;
    let start = 0;
    if (this.#state[viewer] === CONNECTING) {
      start = this.#handshake(viewer, end);
      if (start === 0) {
        this.#unfinished[viewer] = this.#memory.bytes.slice(0, end);
        return;
      }
    }
    this.#readNew(viewer, start, end, isProbe);
  }

  /** The same bytes as a viewer before: the same counts. */
  #readKnown(viewer: number, end: number): boolean {
    for (const chunk of this.#chunks) {
      if (chunk.length !== end || !isSame(chunk.memory, this.#memory, end)) continue;
      this.#count(viewer, chunk.records, chunk.skipped, chunk.frames);
      return true;
    }
    return false;
  }

  #readNew(viewer: number, start: number, end: number, isProbe: boolean): void {
    const { bytes } = this.#memory;
    const tally = this.#tally;
    let records = 0;
    let skipped = 0;
    let frames = 0;
    let isData = start === 0;
    const now = isProbe ? sharedMicros() : 0;
    const next = readFrames(bytes, start, end, (opcode, payloadStart, payloadEnd) => {
      const payload = bytes.subarray(payloadStart, payloadEnd);
      if (opcode !== OPCODES.binary && opcode !== OPCODES.text) {
        isData = false;
        this.#control(viewer, opcode, payload);
        return;
      }
      const message = this.#face.unpack?.(payload) ?? payload;
      frames++;
      tally.records = 0;
      tally.skipped = 0;
      if (this.#state[viewer] === JOINING && this.#face.isJoined?.(message)) this.#joined(viewer);
      this.#face.count(message, tally);
      records += tally.records;
      skipped += tally.skipped;
      if (tally.records === 0 && this.#answer(viewer, message)) isData = false;
      if (isProbe && tally.records > 0) this.#probe(viewer, message, now);
    });
    this.#count(viewer, records, skipped, frames);
    if (next < end) this.#unfinished[viewer] = bytes.slice(next, end);
    else if (isData && end <= CHUNK_BYTES_MAX && this.#state[viewer] === JOINED) {
      this.#keep(end, records, skipped, frames);
    }
  }

  #count(viewer: number, records: number, skipped: number, frames: number): void {
    const { counts } = this;
    counts.records += records;
    counts.skipped += skipped;
    counts.frames += frames;
    this.#records[viewer] = (this.#records[viewer] as number) + records + skipped;
    if (records > 0) counts.lastMicros = sharedMicros();
  }

  #keep(length: number, records: number, skipped: number, frames: number): void {
    const chunk = this.#chunks[this.#oldestChunk] as Chunk;
    this.#oldestChunk = (this.#oldestChunk + 1) % CHUNKS_KEPT;
    chunk.memory.bytes.set(this.#memory.bytes.subarray(0, length));
    chunk.length = length;
    chunk.records = records;
    chunk.skipped = skipped;
    chunk.frames = frames;
  }

  #probe(viewer: number, message: Uint8Array, now: number): void {
    readPayloads(message, (intendedMicros, number) => {
      this.latency.record(now - intendedMicros);
      if (number <= (this.#lastNumber[viewer] as number)) this.counts.misordered++;
      this.#lastNumber[viewer] = number;
    });
  }

  #handshake(viewer: number, end: number): number {
    const text = Buffer.from(this.#memory.bytes.buffer, 0, end);
    const over = text.indexOf("\r\n\r\n");
    if (over < 0) return 0;
    if (!text.toString("latin1", 0, 12).endsWith(" 101")) {
      throw new Error(`the upgrade was answered by "${text.toString("latin1", 0, Math.min(over, 200))}"`);
    }
    this.#state[viewer] = JOINING;
    for (const message of this.#face.hello ?? []) this.#sendMessage(viewer, message);
    if (this.#face.isJoined === undefined) this.#joined(viewer);
    return over + 4;
  }

  #joined(viewer: number): void {
    this.#state[viewer] = JOINED;
    this.counts.joined++;
  }

  #sendMessage(viewer: number, message: Message): void {
    this.#send(viewer, clientFrame(message));
  }

  #answer(viewer: number, message: Uint8Array): boolean {
    const reply = this.#face.reply?.(message);
    if (reply === undefined) return false;
    this.#sendMessage(viewer, reply);
    return true;
  }

  #control(viewer: number, opcode: number, payload: Uint8Array): void {
    if (opcode === OPCODES.ping) {
      this.counts.pings++;
      this.#send(viewer, clientFrame(payload, OPCODES.pong));
    }
    if (opcode !== OPCODES.close) return;
    const code = payload.length < 2 ? 0 : ((payload[0] as number) << 8) | (payload[1] as number);
    if (code === CLOSE_CODES.slow_consumer && this.#state[viewer] !== CLOSED) this.counts.closedSlow++;
    this.#closed(viewer);
  }

  #closed(viewer: number): void {
    if (this.#state[viewer] === CLOSED) return;
    this.#state[viewer] = CLOSED;
    this.counts.closed++;
    closeSocket(this.#fds[viewer] as number);
    this.#fds[viewer] = -1;
  }
}
