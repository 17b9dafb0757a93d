/**
 * The far side of the tests with real threads: a worker that plays one part on rings it is given. Every entry carries
 * its number in the first word and, in all the rest, bytes that follow from the number, so that a torn, stale or
 * overwritten entry shows.
 */
import { parentPort, workerData } from "node:worker_threads";
import { BroadcastConsumer, BroadcastProducer } from "./broadcast-ring.ts";
import { Heartbeats } from "./heartbeats.ts";
import { IngressConsumer, IngressProducer } from "./ingress-ring.ts";
import type { RingConsumer } from "./ring-consumer.ts";
import type { RingProducer } from "./ring-producer.ts";
import { Signal } from "./signal.ts";

export interface Part {
  readonly role: "produce" | "consume" | "comeAndGo" | "hold" | "hang" | "echo";
  readonly ring: SharedArrayBuffer;
  readonly kind: "ingress" | "broadcast";
  readonly consumer: number;
  /** Records in all. */
  readonly records: number;
  readonly payloadBytesMax: number;
  /** Signals: 0 is the producer's, 1 + c consumer c's. */
  readonly signals: SharedArrayBuffer;
  readonly consumers: number;
  /** Word 0: go. Word 1: the producer is done. */
  readonly control: SharedArrayBuffer;
  /** Every so many entries the consumer holds its batch for a while and checks it again. 0 = never. */
  readonly holdEvery: number;
  readonly heartbeats: SharedArrayBuffer;
}

/** What a consumer saw. The four faults are the forbidden outcomes. */
export interface Seen {
  received: number;
  torn: number;
  repeated: number;
  skipped: number;
  /** Entries that changed between reading and release. */
  overwritten: number;
  /** Times the consumer attached. */
  attached: number;
  last: number;
}

const GO = 0;
const DONE = 1;

function mix(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  return x ^ (x >>> 16);
}

/** Size of record `n`: 4 bytes to `max`, of every remainder by 4. */
export function sizeOf(n: number, max: number): number {
  const random = mix(n + 1) >>> 0;
  return 4 + (random % 7 === 0 ? random % (max - 3) : random % Math.min(120, max - 3));
}

export function fill(ring: RingProducer, index: number, n: number, bytes: number): void {
  ring.words[index >> 2] = n;
  const seed = mix(n);
  for (let i = 4; i + 4 <= bytes; i += 4) ring.words[(index + i) >> 2] = seed + i;
  for (let i = bytes & ~3; i < bytes; i++) ring.bytes[index + i] = seed + i;
}

export function isWhole(ring: RingConsumer, index: number, length: number, n: number, max: number): boolean {
  if (length !== sizeOf(n, max) || ring.words[index >> 2] !== n) return false;
  const seed = mix(n);
  for (let i = 4; i + 4 <= length; i += 4)
    if (ring.words[(index + i) >> 2] !== ((seed + i) | 0)) return false;
  for (let i = length & ~3; i < length; i++) if (ring.bytes[index + i] !== ((seed + i) & 0xff)) return false;
  return true;
}

async function produce(part: Part): Promise<number> {
  const ring = part.kind === "ingress" ? new IngressProducer(part.ring) : new BroadcastProducer(part.ring);
  const own = new Signal(part.signals, 0);
  const others = Array.from({ length: part.consumers }, (_, c) => new Signal(part.signals, c + 1));
  const control = new Int32Array(part.control);
  let full = 0;
  let n = 0;
  while (n < part.records) {
    const batch = 1 + ((mix(n) >>> 0) % 20);
    let index = 0;
    for (let i = 0; i < batch && n < part.records; i++) {
      const bytes = sizeOf(n, part.payloadBytesMax);
      index = ring.claim(bytes);
      if (index < 0) break;
      fill(ring, index, n, bytes);
      n++;
    }
    ring.commit();
    for (const other of others) other.wake();
    if (index < 0) {
      full++;
      // A consumer wakes the producer whenever it has released something.
      await own.sleep(() => !ring.hasRoom(sizeOf(n, part.payloadBytesMax)));
    }
  }
  Atomics.store(control, DONE, 1);
  for (const other of others) other.wake();
  return full;
}

async function consume(part: Part): Promise<Seen> {
  const seen: Seen = { received: 0, torn: 0, repeated: 0, skipped: 0, overwritten: 0, attached: 0, last: -1 };
  const own = new Signal(part.signals, part.consumer + 1);
  const producer = new Signal(part.signals, 0);
  const control = new Int32Array(part.control);
  const broadcast = part.kind === "broadcast" ? new BroadcastConsumer(part.ring, part.consumer) : undefined;
  const ring = broadcast ?? new IngressConsumer(part.ring);
  const attach = () => {
    broadcast?.attachAtHead();
    seen.attached++;
    // The first entry after coming in late is where counting starts; at the very start it has to be number 0.
    if (part.role === "comeAndGo") seen.last = -1;
  };
  attach();
  parentPort?.postMessage("ready");
  const held: { index: number; length: number; n: number }[] = [];
  let first = part.role === "comeAndGo";
  for (;;) {
    const done = Atomics.load(control, DONE) === 1;
    let taken = 0;
    while (taken < 64 && ring.next()) {
      taken++;
      seen.received++;
      const n = ring.words[ring.index >> 2] as number;
      if (!isWhole(ring, ring.index, ring.length, n, part.payloadBytesMax)) seen.torn++;
      if (!first && n <= seen.last) seen.repeated++;
      if (!first && n > seen.last + 1) seen.skipped += n - seen.last - 1;
      first = false;
      seen.last = n;
      if (part.holdEvery > 0) held.push({ index: ring.index, length: ring.length, n });
    }
    if (part.holdEvery > 0 && seen.received % part.holdEvery < taken) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      for (const entry of held) {
        if (!isWhole(ring, entry.index, entry.length, entry.n, part.payloadBytesMax)) seen.overwritten++;
      }
    }
    held.length = 0;
    ring.release();
    producer.wake();
    if (
      part.role === "comeAndGo" &&
      broadcast !== undefined &&
      mix(seen.received + seen.attached) % 3 === 0
    ) {
      broadcast.detach();
      producer.wake();
      await new Promise((resolve) => setTimeout(resolve, 0));
      first = true;
      attach();
    }
    if (taken > 0) continue;
    if (done && ring.isEmpty()) return seen;
    await own.sleep(() => ring.isEmpty() && Atomics.load(control, DONE) === 0);
  }
}

/** Answers each change of the go word, sleeping without a timeout in between: a lost wake-up ends the conversation. */
async function echo(part: Part): Promise<number> {
  const own = new Signal(part.signals, 1);
  const other = new Signal(part.signals, 0);
  const control = new Int32Array(part.control);
  let seen = 0;
  while (seen < part.records) {
    await own.sleep(() => Atomics.load(control, GO) === seen);
    const now = Atomics.load(control, GO);
    if (now === seen) continue;
    seen = now;
    Atomics.store(control, DONE, seen);
    other.wake();
  }
  return seen;
}

async function play(part: Part): Promise<void> {
  // A sleep alone does not keep a worker alive.
  const alive = setInterval(() => {}, 60_000);
  const control = new Int32Array(part.control);
  switch (part.role) {
    case "produce":
      parentPort?.postMessage("ready");
      while (Atomics.load(control, GO) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      parentPort?.postMessage({ result: await produce(part) });
      break;
    case "consume":
    case "comeAndGo":
      parentPort?.postMessage({ result: await consume(part) });
      break;
    case "echo":
      parentPort?.postMessage("ready");
      parentPort?.postMessage({ result: await echo(part) });
      break;
    case "hold":
      // Attaches and never reads.
      new BroadcastConsumer(part.ring, part.consumer).attachAtHead();
      parentPort?.postMessage("ready");
      return;
    case "hang":
      new Heartbeats(part.heartbeats).beat(part.consumer);
      parentPort?.postMessage("ready");
      for (;;) Atomics.load(control, GO);
  }
  clearInterval(alive);
}

if (parentPort !== null && workerData !== null && typeof workerData === "object" && "role" in workerData) {
  void play(workerData as Part);
}
