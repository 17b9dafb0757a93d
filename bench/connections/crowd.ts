/**
 * Very many connections at the least memory: a descriptor, a state and an offset each, in flat arrays. Reads without the
 * runtime's sockets, which would take some hundred bytes per connection and a buffer per read.
 */
import { RECORD_TYPES, recordOffset, recordStride, recordType } from "@danmakud/wire";
import { sharedMicros } from "../load/clock.ts";
import { LatencyHistogram } from "../load/histogram.ts";
import { allocate, closeSocket, Poll, receive, sleepMicros, transmit } from "../load/libc.ts";
import { readPayloads } from "../load/payload.ts";
import { clientFrame, OPCODES, readFrames } from "../load/websocket-frames.ts";
import { type Block, noCounts } from "./commands.ts";
import { JoinRequest } from "./join-request.ts";
import { sourceAddress } from "./plan.ts";
import { connectFrom, octetsOf } from "./socket-calls.ts";

/** State of a seat. */
const EMPTY = 0;
/** The request is on its way. */
const UPGRADING = 1;
/** The upgrade is done, the hello is awaited. */
const JOINING = 2;
const JOINED = 3;

/** Handshakes on their way at once, well below a node's queue of connections to accept. */
const HANDSHAKES_MAX = 64;
const HANDSHAKE_MICROS_MAX = 10e6;
/** A refused handshake is tried again after this. */
const RETRY_MICROS = 250_000;
/** Of the viewers of a room, one in so many has its records timed. */
const SAMPLE_EVERY = 10;
/** Longest thing to come in one read. */
const READ_BYTES_MAX = 256 * 1024;
/** Number under which the command pipe is polled. */
const COMMAND_SEAT = -1;
/** Where a gap keeps the lower halves of its ends, see docs/protocol.md. */
const GAP_FROM = 4;
const GAP_TO = 8;
/**
 * Pause after a look at the sockets that found something, µs. A room's danmaku reaches its viewers one after the other,
 * in some 10 ms; a reader that looks each time it is woken looks hundreds of times and wakes up as often, at the expense
 * of the nodes on the same cores, and a pause of this length was measured to take its CPU to 2/5. Latencies include it.
 */
const LOOK_PAUSE_MICROS = 2000;

/** Seats of a block, `start` on. */
interface Row {
  readonly start: number;
  readonly block: Block;
  readonly octets: ReturnType<typeof octetsOf>;
  readonly request: JoinRequest;
}

export class Crowd {
  readonly counts = noCounts();
  readonly latency = new LatencyHistogram();
  /** Whether the command pipe has something. */
  hasCommand = false;
  readonly #poll = new Poll();
  readonly #memory = allocate(READ_BYTES_MAX);
  readonly #out = allocate(4096);
  readonly #fds: Int32Array;
  readonly #state: Uint8Array;
  /** Offset of the newest danmaku; −1 before the first. */
  readonly #offset: Float64Array;
  readonly #isSampled: Uint8Array;
  readonly #rows: Row[] = [];
  /** Begun frames, of the few seats that have any. */
  readonly #unfinished = new Map<number, Uint8Array>();
  /** Handshakes on their way: seat → since when, µs. */
  readonly #upgrading = new Map<number, number>();
  readonly #refused: { readonly seat: number; readonly at: number }[] = [];
  #seats = 0;
  /** Whether the last look found something, but not more than it could take. */
  #wasBusy = false;
  /** Next seat to connect for the first time. */
  #next = 0;
  #openedAt = 0;
  // What `#seen` works on: fields instead of a closure per read.
  #seat = 0;
  #now = 0;

  constructor(capacity: number) {
    this.#fds = new Int32Array(capacity).fill(-1);
    this.#state = new Uint8Array(capacity);
    this.#offset = new Float64Array(capacity).fill(-1);
    this.#isSampled = new Uint8Array(capacity);
  }

  /** Has `turn` end early, and `hasCommand` set, when this pipe has something. */
  watch(pipe: number): void {
    this.#poll.add(pipe, COMMAND_SEAT);
  }

  /** Adds seats; `turn` connects them. */
  open(block: Block): void {
    if (this.#seats + block.count > this.#fds.length) throw new Error("more connections than seats");
    const octets = octetsOf(block.address);
    this.#rows.push({ start: this.#seats, block, octets, request: new JoinRequest(block) });
    this.#seats += block.count;
    this.#openedAt = sharedMicros();
  }

  /** Whether every seat was joined at least once. */
  get isOpen(): boolean {
    return this.#next === this.#seats && this.#upgrading.size === 0 && this.#refused.length === 0;
  }

  /** Microseconds since the last `open`. */
  get openMicros(): number {
    return sharedMicros() - this.#openedAt;
  }

  /** Zeroes what is counted, but not who is there. */
  reset(): void {
    const { joined, closed } = this.counts;
    Object.assign(this.counts, noCounts(), { joined, closed });
    this.latency.reset();
  }

  /** Connects whom it may, waits for at most so long (−1: for ever), reads what came. @hot bench/connections.ts */
  turn(timeoutMs: number): void {
    if (!this.isOpen) this.#connect();
    else if (this.#wasBusy) sleepMicros(LOOK_PAUSE_MICROS);
    const ready = this.#poll.wait(this.isOpen ? timeoutMs : Math.min(timeoutMs >>> 0, OPENING_WAIT_MS));
    // A full list means that more are waiting.
    this.#wasBusy = ready > 0 && ready < EVENTS_MAX;
    for (let i = 0; i < ready; i++) {
      const seat = this.#poll.ready(i);
      if (seat === COMMAND_SEAT) this.hasCommand = true;
      else this.#read(seat);
    }
  }

  /** Sends one message on the `i`-th connection. */
  send(seat: number, message: Uint8Array): void {
    this.#transmit(seat, clientFrame(message));
  }

  #connect(): void {
    const now = sharedMicros();
    for (const [seat, since] of this.#upgrading) {
      if (now - since > HANDSHAKE_MICROS_MAX) this.#lost(seat);
    }
    while (this.#upgrading.size < HANDSHAKES_MAX) {
      const due = this.#refused[0];
      if (due !== undefined && due.at <= now) {
        this.#refused.shift();
        this.#connectSeat(due.seat, now);
      } else if (this.#next < this.#seats) this.#connectSeat(this.#next++, now);
      else return;
    }
  }

  #connectSeat(seat: number, now: number): void {
    const { start, block, octets, request } = this.#rowOf(seat);
    const number = block.from + seat - start;
    const fd = connectFrom(sourceAddress(number), octets, block.port);
    this.#fds[seat] = fd;
    this.#state[seat] = UPGRADING;
    this.#offset[seat] = -1;
    this.#isSampled[seat] = Math.floor(number / block.rooms) % SAMPLE_EVERY === 0 ? 1 : 0;
    this.#upgrading.set(seat, now);
    request.fill(block.firstRoom + (number % block.rooms), number);
    // On loopback `connect` is through at once unless the node's queue is full; then nothing can be sent yet.
    if (this.#transmit(seat, request.bytes)) this.#poll.add(fd, seat);
    else this.#lost(seat);
  }

  #rowOf(seat: number): Row {
    const row = this.#rows.findLast((candidate) => candidate.start <= seat);
    if (row === undefined) throw new Error(`nobody sits at ${seat}`);
    return row;
  }

  /** Whether all of it was taken; frames here are far smaller than a socket's buffer. */
  #transmit(seat: number, bytes: Uint8Array): boolean {
    this.#out.bytes.set(bytes);
    return transmit(this.#fds[seat] as number, this.#out, 0, bytes.length) === bytes.length;
  }

  #read(seat: number): void {
    if (this.#state[seat] === EMPTY) return;
    const { bytes } = this.#memory;
    let from = 0;
    if (this.#unfinished.size > 0) {
      const begun = this.#unfinished.get(seat);
      if (begun !== undefined) {
        bytes.set(begun);
        from = begun.length;
        this.#unfinished.delete(seat);
      }
    }
    const count = receive(this.#fds[seat] as number, this.#memory, from);
    if (count < 0) {
      this.#lost(seat);
      return;
    }
    this.counts.bytes += count;
    const end = from + count;
    let at = 0;
    if (this.#state[seat] === UPGRADING) {
      at = this.#upgraded(seat, end);
      if (at < 0) return;
    }
    this.#seat = seat;
    this.#now = this.#isSampled[seat] === 1 ? sharedMicros() : 0;
    if (at < end) at = readFrames(bytes, at, end, this.#seen);
    if (at < end && this.#state[seat] !== EMPTY) this.#unfinished.set(seat, bytes.slice(at, end));
    // Arrivals are reported once: what did not fit has to be fetched now.
    if (end === bytes.length) this.#read(seat);
  }

  /** Where the frames begin; −1 where the answer is not whole, or is not a yes. */
  #upgraded(seat: number, end: number): number {
    const { bytes } = this.#memory;
    let over = 0;
    while (over + 4 <= end && !isEmptyLine(bytes, over)) over++;
    if (over + 4 > end) {
      this.#unfinished.set(seat, bytes.slice(0, end));
      return -1;
    }
    if (!isSwitching(bytes)) {
      this.#lost(seat);
      return -1;
    }
    this.#state[seat] = JOINING;
    return over + 4;
  }

  /** One frame of `#seat`. */
  readonly #seen = (opcode: number, start: number, end: number): void => {
    const { counts } = this;
    counts.frames++;
    if (opcode === OPCODES.binary) this.#records(start, end);
    else if (opcode === OPCODES.ping) {
      counts.pings++;
      this.#transmit(this.#seat, PONG);
    } else if (opcode === OPCODES.close) this.#lost(this.#seat);
  };

  #records(start: number, end: number): void {
    const { bytes } = this.#memory;
    const { counts } = this;
    const seat = this.#seat;
    let danmaku = 0;
    for (let at = start; at < end; at += recordStride(bytes, at)) {
      switch (recordType(bytes, at)) {
        case RECORD_TYPES.danmaku:
          danmaku++;
          this.#inOrder(seat, recordOffset(bytes, at), 1);
          break;
        case RECORD_TYPES.gap: {
          const records = readU32(bytes, at + GAP_TO) - readU32(bytes, at + GAP_FROM) + 1;
          counts.skipped += records;
          this.#inOrder(seat, readU32(bytes, at + GAP_TO), records);
          break;
        }
        case RECORD_TYPES.hello:
          if (this.#state[seat] !== JOINING) break;
          this.#state[seat] = JOINED;
          this.#upgrading.delete(seat);
          counts.joined++;
          break;
        case RECORD_TYPES.ack:
          counts.acks++;
          break;
        case RECORD_TYPES.error:
          counts.errors++;
          break;
      }
    }
    counts.danmaku += danmaku;
    if (danmaku > 0 && this.#now > 0) readPayloads(bytes.subarray(start, end), this.#timed);
  }

  readonly #timed = (intendedMicros: number): void => {
    this.latency.record(this.#now - intendedMicros);
  };

  #inOrder(seat: number, last: number, records: number): void {
    const before = this.#offset[seat] as number;
    if (before >= 0 && last - records !== before) this.counts.holes++;
    this.#offset[seat] = last;
  }

  /** The connection ended. Who had not joined yet tries again. */
  #lost(seat: number): void {
    closeSocket(this.#fds[seat] as number);
    this.#fds[seat] = -1;
    this.#unfinished.delete(seat);
    if (this.#state[seat] === JOINED) {
      this.counts.joined--;
      this.counts.closed++;
    } else {
      this.#upgrading.delete(seat);
      this.counts.retries++;
      this.#refused.push({ seat, at: sharedMicros() + RETRY_MICROS });
    }
    this.#state[seat] = EMPTY;
  }
}

/** As many sockets as one look reports, see `../load/libc.ts`. */
const EVENTS_MAX = 512;
/** While seats are being opened, how long to wait for an answer before looking at what is due. */
const OPENING_WAIT_MS = 20;
/** The node's pings are empty. */
const PONG = clientFrame(new Uint8Array(0), OPCODES.pong);

function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

/** Two line ends in a row. */
function isEmptyLine(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10;
}

/** `HTTP/1.1 101` */
function isSwitching(bytes: Uint8Array): boolean {
  return bytes[9] === 49 && bytes[10] === 48 && bytes[11] === 49;
}
