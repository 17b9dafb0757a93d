/**
 * Bounds what the kernel queues for a viewer that does not read. Without it a loopback socket took 3.9 MB before the
 * first sign of back-pressure; with it about 130 KB, most of that in the receiver. Set on the listening socket, from
 * which accepted sockets inherit it.
 *
 * The runtime does not hand out the descriptor, so it is found among those of the process. Linux only; elsewhere the
 * kernel's own bounds hold.
 */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { readdirSync } from "node:fs";

/** Bytes not yet sent at which a socket counts as full (`TCP_NOTSENT_LOWAT`, tcp(7)): a few frames of a busy room. */
const UNSENT_BYTES_MAX = 64 * 1024;

/** `off` leaves sockets to the kernel's own bounds: for the benchmark that shows what ours costs, never in service. */
const IS_BOUNDED = process.env.DANMAKUD_SOCKET_BOUND !== "off";

// Linux, asm-generic/socket.h and tcp.h.
const SOL_SOCKET = 1;
const SO_ACCEPTCONN = 30;
const IPPROTO_TCP = 6;
const TCP_NOTSENT_LOWAT = 25;

const SYMBOLS = {
  getsockopt: {
    args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr],
    returns: FFIType.i32,
  },
  setsockopt: {
    args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.u32],
    returns: FFIType.i32,
  },
  getsockname: { args: [FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
} as const;

const LIBRARIES = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];

/** Bounds the sockets accepted on `port`. Returns how many listening sockets were found. */
export function boundSocketBuffers(port: number): number {
  if (process.platform !== "linux" || !IS_BOUNDED) return 0;
  const libc = openLibrary();
  if (libc === undefined) return 0;
  let found = 0;
  for (const name of readdirSync("/proc/self/fd")) {
    const fd = Number(name);
    if (!isListening(libc, fd) || portOf(libc, fd) !== port) continue;
    const value = new Int32Array([UNSENT_BYTES_MAX]);
    if (libc.setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, ptr(value), value.byteLength) === 0) found++;
  }
  return found;
}

type Libc = ReturnType<typeof dlopen<typeof SYMBOLS>>["symbols"];

function openLibrary(): Libc | undefined {
  for (const name of LIBRARIES) {
    try {
      return dlopen(name, SYMBOLS).symbols;
    } catch {
      // The next name, or none: the bound is a gain, not a need.
    }
  }
  return undefined;
}

function isListening(libc: Libc, fd: number): boolean {
  const value = new Int32Array(1);
  const length = new Uint32Array([value.byteLength]);
  return libc.getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, ptr(value), ptr(length)) === 0 && value[0] === 1;
}

function portOf(libc: Libc, fd: number): number {
  // sockaddr: family, then the port in network order, for IPv4 and IPv6 alike.
  const address = new Uint8Array(128);
  const length = new Uint32Array([address.length]);
  if (libc.getsockname(fd, ptr(address), ptr(length)) !== 0) return -1;
  return ((address[2] as number) << 8) | (address[3] as number);
}
