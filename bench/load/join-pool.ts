/**
 * Viewers of one danmakud room that check every offset: they join with history, and when their connection ends they come
 * back as the SDK does, after a random wait, and resume.
 */
import { decodeRecord, RECORD_TYPES, recordOffset, recordStride, recordTs, recordType } from "@danmakud/wire";
import { backoffMs } from "../../packages/client/src/backoff.ts";
import { sharedMicros } from "./clock.ts";
import { LatencyHistogram } from "./histogram.ts";
import { allocate, Poll, receive, resetSocket, transmit, tryConnect } from "./libc.ts";
import { clientFrame, OPCODES, readFrames, upgradeRequest } from "./websocket-frames.ts";

export interface JoinOptions {
  readonly port: number;
  readonly room: string;
  readonly viewers: number;
  /** Records asked for with `last` on the first join. */
  readonly history: number;
  /** Joins on the way at once in a storm. */
  readonly concurrency: number;
}

export interface JoinCounts {
  /** Joins that got their `hello` and all history they asked for. */
  joined: number;
  /** Tries that ended before. */
  failed: number;
  /** Joins after a lost connection; of these, with `resumed`. */
  rejoined: number;
  resumed: number;
  /** Offsets missing without a `gap`, and offsets that came twice. */
  holes: number;
  twice: number;
}

const IDLE = 0;
const UPGRADING = 1;
/** Upgraded; `hello` or history is still to come. */
const JOINING = 2;
const JOINED = 3;
/** Waits to try again. */
const WAITING = 4;

const MESSAGE_BYTES_MAX = 4 << 20;
/** Where the viewer's next offset is not known yet. */
const UNKNOWN = -1;

export class JoinPool {
  readonly counts: JoinCounts = { joined: 0, failed: 0, rejoined: 0, resumed: 0, holes: 0, twice: 0 };
  /** From the start of the connection to the last record of the history. */
  readonly latency = new LatencyHistogram();
  /** Offsets that the first viewer saw as danmaku. */
  readonly seen = new Set<number>();
  /** When a viewer joined last, shared µs. */
  lastJoinMicros = 0;
  readonly #options: JoinOptions;
  readonly #poll = new Poll();
  readonly #memory = allocate(MESSAGE_BYTES_MAX);
  readonly #scratch = allocate(4096);
  readonly #fds: Int32Array;
  readonly #state: Uint8Array;
  /** Last offset that came or was announced as missing. */
  readonly #cursor: Float64Array;
  /** Offset to which the history reaches. */
  readonly #historyEnd: Float64Array;
  readonly #began: Float64Array;
  readonly #attempts: Uint8Array;
  readonly #hadJoined: Uint8Array;
  readonly #faulty: Uint8Array;
  /** When a waiting viewer tries again, shared µs. */
  readonly #retryAt: Float64Array;
  readonly #unfinished: (Uint8Array | undefined)[];
  #epoch = "";

  constructor(options: JoinOptions) {
    const { viewers } = options;
    this.#options = options;
    this.#fds = new Int32Array(viewers).fill(-1);
    this.#state = new Uint8Array(viewers);
    this.#cursor = new Float64Array(viewers).fill(UNKNOWN);
    this.#historyEnd = new Float64Array(viewers);
    this.#began = new Float64Array(viewers);
    this.#attempts = new Uint8Array(viewers);
    this.#hadJoined = new Uint8Array(viewers);
    this.#faulty = new Uint8Array(viewers);
    this.#retryAt = new Float64Array(viewers);
    this.#unfinished = new Array<Uint8Array | undefined>(viewers).fill(undefined);
  }

  /** Joins all viewers, a bounded number at once; returns the seconds it took. Throws at the limit. */
  storm(limitMs: number): number {
    const { viewers, concurrency } = this.#options;
    const began = sharedMicros();
    let started = 0;
    while (this.counts.joined < viewers) {
      // Those who have to wait before they try again are on the way too.
      while (started < viewers && started - this.counts.joined < concurrency) this.#connect(started++);
      this.turn(1);
      if (sharedMicros() - began > limitMs * 1000) {
        throw new Error(`only ${this.counts.joined} of ${viewers} viewers joined in ${limitMs} ms`);
      }
    }
    return (this.lastJoinMicros - began) / 1e6;
  }

  /** Ends all connections and forgets everything. */
  reset(): void {
    for (let viewer = 0; viewer < this.#options.viewers; viewer++) this.#release(viewer);
    this.#state.fill(IDLE);
    this.#cursor.fill(UNKNOWN);
    this.#attempts.fill(0);
    this.#hadJoined.fill(0);
    this.#faulty.fill(0);
    Object.assign(this.counts, { joined: 0, failed: 0, rejoined: 0, resumed: 0, holes: 0, twice: 0 });
    this.latency.reset();
    this.seen.clear();
  }

  /** Reads for about so long, and lets those try again whose time has come. */
  turn(ms: number): void {
    const end = sharedMicros() + ms * 1000;
    do {
      const ready = this.#poll.wait(1);
      for (let i = 0; i < ready; i++) this.#read(this.#poll.ready(i));
      this.#retry();
    } while (sharedMicros() < end);
  }

  /** Viewers that came back by a resume, without hole or repetition, and have all up to `head`. */
  recovered(head: number): number {
    let count = 0;
    for (let viewer = 0; viewer < this.#options.viewers; viewer++) {
      const hasAll = this.#state[viewer] === JOINED && (this.#cursor[viewer] as number) >= head;
      if (hasAll && this.#faulty[viewer] === 0) count++;
    }
    return count;
  }

  #retry(): void {
    const now = sharedMicros();
    for (let viewer = 0; viewer < this.#options.viewers; viewer++) {
      if (this.#state[viewer] === WAITING && now >= (this.#retryAt[viewer] as number)) this.#connect(viewer);
    }
  }

  #connect(viewer: number): void {
    const { port, room, history } = this.#options;
    const fd = tryConnect(port);
    this.#state[viewer] = UPGRADING;
    if (fd < 0) {
      this.#lost(viewer);
      return;
    }
    this.#fds[viewer] = fd;
    this.#began[viewer] = sharedMicros();
    const cursor = this.#cursor[viewer] as number;
    const start = cursor === UNKNOWN ? `last=${history}` : `after=${cursor}&epoch=${this.#epoch}`;
    const path = `/v1/rooms/${room}/ws?uid=viewer-${viewer}&${start}`;
    this.#poll.add(fd, viewer);
    this.#send(viewer, upgradeRequest(port, path, "danmaku.tlv.v1"));
  }

  #send(viewer: number, bytes: Uint8Array): void {
    this.#scratch.bytes.set(bytes);
    transmit(this.#fds[viewer] as number, this.#scratch, 0, bytes.length);
  }

  #release(viewer: number): void {
    if ((this.#fds[viewer] as number) >= 0) resetSocket(this.#fds[viewer] as number);
    this.#fds[viewer] = -1;
    this.#unfinished[viewer] = undefined;
  }

  /** The connection ended or never was: try again later. */
  #lost(viewer: number): void {
    this.#release(viewer);
    if (this.#state[viewer] === JOINED) this.#attempts[viewer] = 0;
    else this.counts.failed++;
    const attempt = this.#attempts[viewer] as number;
    this.#attempts[viewer] = Math.min(attempt + 1, 16);
    this.#retryAt[viewer] = sharedMicros() + backoffMs(attempt, Math.random()) * 1000;
    this.#state[viewer] = WAITING;
  }

  #read(viewer: number): void {
    if ((this.#fds[viewer] as number) < 0) return;
    const { bytes } = this.#memory;
    const unfinished = this.#unfinished[viewer];
    const from = unfinished?.length ?? 0;
    if (unfinished !== undefined) bytes.set(unfinished);
    this.#unfinished[viewer] = undefined;
    const count = receive(this.#fds[viewer] as number, this.#memory, from);
    if (count < 0) {
      this.#lost(viewer);
      return;
    }
    const end = from + count;
    let start = 0;
    if (this.#state[viewer] === UPGRADING) {
      const head = Buffer.from(bytes.buffer, 0, end);
      const over = head.indexOf("\r\n\r\n");
      if (over >= 0) {
        if (!head.toString("latin1", 0, 12).endsWith(" 101")) {
          this.#lost(viewer);
          return;
        }
        this.#state[viewer] = JOINING;
        start = over + 4;
      }
    }
    if (this.#state[viewer] !== UPGRADING) {
      start = readFrames(bytes, start, end, (opcode, from, to) => this.#frame(viewer, opcode, from, to));
    }
    if (start < end && (this.#fds[viewer] as number) >= 0) this.#unfinished[viewer] = bytes.slice(start, end);
  }

  #frame(viewer: number, opcode: number, from: number, to: number): void {
    const { bytes } = this.#memory;
    if ((this.#fds[viewer] as number) < 0) return;
    if (opcode === OPCODES.ping) this.#send(viewer, clientFrame(bytes.slice(from, to), OPCODES.pong));
    if (opcode === OPCODES.close) this.#lost(viewer);
    if (opcode !== OPCODES.binary) return;
    for (let at = from; at < to; at += recordStride(bytes, at)) {
      const type = recordType(bytes, at);
      if (type === RECORD_TYPES.hello) this.#hello(viewer, at);
      else if (type === RECORD_TYPES.danmaku || type === RECORD_TYPES.delete) {
        const offset = recordOffset(bytes, at);
        this.#advance(viewer, offset, offset);
        if (viewer === 0) this.seen.add(offset);
      } else if (type === RECORD_TYPES.gap) {
        // Its ends lie where other records have their offset and ts.
        this.#advance(viewer, recordOffset(bytes, at), recordTs(bytes, at));
      }
    }
    const isCaughtUp = (this.#cursor[viewer] as number) >= (this.#historyEnd[viewer] as number);
    if (this.#state[viewer] === JOINING && isCaughtUp) this.#joined(viewer);
  }

  #hello(viewer: number, at: number): void {
    const hello = decodeRecord(this.#memory.bytes, at);
    if (hello.type !== "hello") return;
    this.#epoch = hello.epoch;
    this.#historyEnd[viewer] = hello.head;
    if (hello.resumed) this.counts.resumed++;
    else if (this.#hadJoined[viewer] !== 0) this.#faulty[viewer] = 1;
    if (!hello.resumed) this.#cursor[viewer] = this.#options.history === 0 ? hello.head : UNKNOWN;
  }

  /** Offsets `from` to `to` came, or were said not to come. */
  #advance(viewer: number, from: number, to: number): void {
    const cursor = this.#cursor[viewer] as number;
    if (cursor !== UNKNOWN && from !== cursor + 1) {
      if (from > cursor + 1) this.counts.holes++;
      else this.counts.twice++;
      this.#faulty[viewer] = 1;
    }
    this.#cursor[viewer] = to;
  }

  #joined(viewer: number): void {
    this.#state[viewer] = JOINED;
    this.#attempts[viewer] = 0;
    this.lastJoinMicros = sharedMicros();
    this.latency.record(this.lastJoinMicros - (this.#began[viewer] as number));
    if (this.#hadJoined[viewer] === 0) this.counts.joined++;
    else this.counts.rejoined++;
    this.#hadJoined[viewer] = 1;
  }
}
