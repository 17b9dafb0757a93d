/**
 * Opens sockets from an address of one's choice, by Bun's foreign function interface; what the load generator's own
 * system calls (`../load/libc.ts`) do not need. Linux only. Man pages: ip(7), socket(7).
 */
import { dlopen, ptr } from "bun:ffi";
import type { Octets } from "./plan.ts";

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_LINGER = 13;
const IPPROTO_IP = 0;
/** Leaves the choice of the port to `connect`, which knows the other end and so finds more of them free. */
const IP_BIND_ADDRESS_NO_PORT = 24;

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "u64"], returns: "i32" },
});

const one = new Int32Array([1]);
// Closing drops the connection (RST) instead of seeing it off: nothing of it stays behind for a minute in the kernel.
const lingerNot = new Int32Array([1, 0]);
const here = new Uint8Array(16);
const there = new Uint8Array(16);

/** A non-blocking socket on its way; the descriptor. Throws where there are no more descriptors or ports. */
export function connectFrom(source: Octets, destination: Octets, port: number): number {
  const fd = libc.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new Error("no more sockets: raise the limit of open files (ulimit -n)");
  libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, ptr(lingerNot), 8);
  libc.setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, ptr(one), 4);
  fillAddress(here, source, 0);
  if (libc.bind(fd, ptr(here), 16) < 0) throw new Error(`cannot connect from ${source.join(".")}`);
  fillAddress(there, destination, port);
  libc.connect(fd, ptr(there), 16);
  return fd;
}

/** What a pipe holds, up to the size of `into`; 0 = its other end is closed. Blocks where there is nothing. */
export function readPipe(fd: number, into: Uint8Array): number {
  return Math.max(0, libc.read(fd, ptr(into), into.length));
}

/** struct sockaddr_in: family in the machine's order, port and address in the network's. */
function fillAddress(into: Uint8Array, octets: Octets, port: number): void {
  into.set([AF_INET, 0, port >> 8, port & 0xff, ...octets]);
}

/** The four numbers of `127.0.0.1`. */
export function octetsOf(address: string): Octets {
  const [a, b, c, d] = address.split(".").map(Number);
  return [a ?? 0, b ?? 0, c ?? 0, d ?? 0];
}
