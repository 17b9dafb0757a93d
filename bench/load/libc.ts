/**
 * The system calls the load generator is made of, by Bun's foreign function interface. A runtime's own sockets cost one
 * callback and one new buffer per read; here a read is one call into memory that is used over and over, which is what
 * keeps the generator cheaper than the servers it measures. Linux only.
 *
 * Man pages: socket(7), epoll(7), recv(2), send(2), prctl(2).
 */
import { dlopen, type Pointer, ptr, read } from "bun:ffi";

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0x80000;
const IPPROTO_TCP = 6;
const SOL_SOCKET = 1;
const SO_LINGER = 13;
const TCP_NODELAY = 1;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
/** Edge-triggered: said once per arrival. A read that did not fill its memory left nothing behind. */
const EPOLLET = 0x80000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;
const PR_SET_TIMERSLACK = 29;
const EINTR = 4;
const EAGAIN = 11;

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i32" },
  send: { args: ["i32", "ptr", "u64", "i32"], returns: "i32" },
  memcmp: { args: ["ptr", "ptr", "u64"], returns: "i32" },
  epoll_create1: { args: ["i32"], returns: "i32" },
  epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  epoll_wait: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  clock_nanosleep: { args: ["i32", "i32", "ptr", "ptr"], returns: "i32" },
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
});

/** Memory that system calls read and write; keeps its address for the program's life. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly address: Pointer;
}

export function allocate(size: number): Memory {
  // A small array made without a buffer of its own moves when its buffer is asked for.
  const bytes = new Uint8Array(new ArrayBuffer(size));
  return { bytes, address: ptr(bytes) };
}

function errno(): number {
  const at = libc.__errno_location();
  return at === null ? 0 : read.i32(at);
}

const one = allocate(4);
one.bytes[0] = 1;
const address = allocate(16);
/** struct linger: on, for 0 seconds. */
const lingerNot = allocate(8);
lingerNot.bytes[0] = 1;

/** A socket connected to 127.0.0.1; the descriptor. Reads and writes of it do not wait. Throws where nobody listens. */
export function connectTo(port: number): number {
  const fd = tryConnect(port);
  if (fd < 0) throw new Error(`port ${port} refuses connections (error ${-fd})`);
  return fd;
}

/** The same; where nobody listens, the error's number below zero. */
export function tryConnect(port: number): number {
  const fd = libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new Error(`no socket (error ${errno()}): raise the limit of open files (ulimit -n)`);
  // struct sockaddr_in: family in the machine's order, port and address in the network's.
  address.bytes.set([AF_INET, 0, port >> 8, port & 0xff, 127, 0, 0, 1]);
  if (libc.connect(fd, address.address, 16) < 0) {
    const why = errno();
    libc.close(fd);
    return -why;
  }
  libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, one.address, 4);
  return fd;
}

/** Ends a connection without a farewell (RST), so that its port is free again at once. */
export function resetSocket(fd: number): void {
  libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, lingerNot.address, 8);
  libc.close(fd);
}

export function closeSocket(fd: number): void {
  libc.close(fd);
}

/** Bytes read into `memory` from `at` on; 0 = nothing there now, −1 = the connection is over. @hot bench/fanout.ts */
export function receive(fd: number, memory: Memory, at: number): number {
  const count = libc.recv(fd, (memory.address + at) as Pointer, memory.bytes.length - at, MSG_DONTWAIT);
  if (count > 0) return count;
  if (count === 0) return -1;
  const why = errno();
  return why === EAGAIN || why === EINTR ? 0 : -1;
}

/** Bytes of `memory` in [from, to) that were taken; −1 = the connection is over. */
export function transmit(fd: number, memory: Memory, from: number, to: number): number {
  const count = libc.send(fd, (memory.address + from) as Pointer, to - from, SEND_FLAGS);
  if (count >= 0) return count;
  const why = errno();
  return why === EAGAIN || why === EINTR ? 0 : -1;
}

/** Whether the first `length` bytes are the same. */
export function isSame(a: Memory, b: Memory, length: number): boolean {
  return libc.memcmp(a.address, b.address, length) === 0;
}

/** struct epoll_event is packed on x86-64 only. */
const EVENT_WORDS = process.arch === "x64" ? 3 : 4;
const EVENT_DATA = EVENT_WORDS - 2;
const EVENTS_MAX = 512;

/** Says which sockets have something to read. A socket is known by the number it was added with. */
export class Poll {
  readonly #epoll = libc.epoll_create1(0);
  readonly #events = allocate(EVENT_WORDS * 4 * EVENTS_MAX);
  readonly #words = new Int32Array(this.#events.bytes.buffer);
  readonly #event = allocate(EVENT_WORDS * 4);

  add(fd: number, number: number): void {
    const words = new Int32Array(this.#event.bytes.buffer);
    words[0] = EPOLLIN | EPOLLET;
    words[EVENT_DATA] = number;
    if (libc.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, this.#event.address) < 0) {
      throw new Error(`epoll refuses a socket (error ${errno()})`);
    }
  }

  /** Waits for at most so long (0 = just looks); returns how many are ready. */
  wait(timeoutMs: number): number {
    return Math.max(0, libc.epoll_wait(this.#epoll, this.#events.address, EVENTS_MAX, timeoutMs));
  }

  /** Number of the `i`-th ready socket. */
  ready(i: number): number {
    return this.#words[i * EVENT_WORDS + EVENT_DATA] as number;
  }
}

const time = allocate(16);
const timeWords = new BigInt64Array(time.bytes.buffer);
const CLOCK_MONOTONIC = 1;

/** Sleeps for so many microseconds; less than 1 returns at once. */
export function sleepMicros(micros: number): void {
  if (micros < 1) return;
  const seconds = Math.floor(micros / 1e6);
  timeWords[0] = BigInt(seconds);
  timeWords[1] = BigInt(Math.floor((micros - seconds * 1e6) * 1000));
  libc.clock_nanosleep(CLOCK_MONOTONIC, 0, time.address, null);
}

/** Lets this thread's sleeps end when they should: by default Linux may add 50 µs. */
export function sleepExactly(): void {
  libc.prctl(PR_SET_TIMERSLACK, 1n, 0n, 0n, 0n);
}
