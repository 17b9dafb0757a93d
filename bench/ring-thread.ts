/** The threads of the `ring` scenario. Each plays the part its order names and posts one report. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { IngressConsumer, IngressProducer, ringState, Signal } from "@danmakud/core/memory";

export type Transport = "ring" | "postMessage";

/** A part in the flow of records. */
export interface Flow {
  readonly role: "write" | "read";
  readonly transport: Transport;
  readonly seconds: number;
  readonly recordBytes: number;
  readonly batch: number;
  readonly ring: SharedArrayBuffer;
  /** 0 wakes the writer, 1 the reader. */
  readonly signals: SharedArrayBuffer;
  readonly port: MessagePort;
}

/** A part in the round trips. */
export interface Talk {
  readonly role: "ask" | "answer";
  readonly transport: Transport;
  readonly trips: number;
  readonly signals: SharedArrayBuffer;
  /** Word 0: number of the question; word 32: of the answer. */
  readonly words: SharedArrayBuffer;
  readonly port: MessagePort;
}

export type Order = Flow | Talk;

export interface Report {
  records: number;
  measuredRecords: number;
  measuredSeconds: number;
  faults: number;
  tripMicros: number[];
}

/** Seconds before the clock starts: the code is compiled, the pages are touched. */
const WARM_UP_SECONDS = 0.2;
/** Bound on messages not yet read, in records; the ring has its capacity. */
const ON_THE_WAY_MAX = 16_384;
const PAUSE_MS = 1;
/** Ends the flow in place of a record's number. */
const END = -1;

const report = (): Report => ({
  records: 0,
  measuredRecords: 0,
  measuredSeconds: 0,
  faults: 0,
  tripMicros: [],
});

function writeRecord(words: Int32Array, at: number, count: number, n: number): void {
  for (let i = 0; i < count; i++) words[at + i] = n + i;
}

function isRecord(words: Int32Array, at: number, count: number, n: number): boolean {
  let difference = 0;
  for (let i = 0; i < count; i++) difference |= (words[at + i] ?? 0) ^ ((n + i) | 0);
  return difference === 0;
}

/** Something that takes records; both calls resolve when there is room, or all of it has been read. */
interface Outlet {
  /** Writes up to a batch from number `n` on; returns how many. 0 = full. */
  write(n: number): number;
  room(): Promise<void>;
  drained(): Promise<void>;
  end(): Promise<void>;
}

async function write(flow: Flow): Promise<Report> {
  const outlet = flow.transport === "ring" ? ringOutlet(flow) : messageOutlet(flow);
  let n = 0;
  const run = async (seconds: number) => {
    const deadline = performance.now() + seconds * 1000;
    while (performance.now() < deadline) {
      for (let i = 0; i < 16; i++) {
        const written = outlet.write(n);
        n = (n + written) | 0;
        if (written === 0) await outlet.room();
      }
    }
    await outlet.drained();
  };
  await run(WARM_UP_SECONDS);
  const before = n;
  const started = performance.now();
  await run(flow.seconds);
  const measuredSeconds = (performance.now() - started) / 1000;
  await outlet.end();
  return { ...report(), records: n, measuredRecords: n - before, measuredSeconds };
}

function ringOutlet(flow: Flow): Outlet {
  const ring = new IngressProducer(flow.ring);
  const own = new Signal(flow.signals, 0);
  const reader = new Signal(flow.signals, 1);
  const count = flow.recordBytes >> 2;
  const { batch, recordBytes } = flow;
  const until = async (done: () => boolean) => {
    while (!done()) await own.sleep(() => !done());
  };
  return {
    write(n) {
      let written = 0;
      while (written < batch) {
        const index = ring.claim(recordBytes);
        if (index < 0) break;
        writeRecord(ring.words, index >> 2, count, n + written);
        written++;
      }
      ring.commit();
      reader.wake();
      return written;
    },
    room: () => until(() => ringState(flow.ring).fill <= 0.5),
    drained: () => until(() => ringState(flow.ring).fill === 0),
    async end() {
      ring.words[ring.claim(4) >> 2] = END;
      ring.commit();
      reader.wake();
    },
  };
}

function messageOutlet(flow: Flow): Outlet {
  const { port } = flow;
  const count = flow.recordBytes >> 2;
  let sent = 0;
  let read = 0;
  let changed = Promise.withResolvers<void>();
  port.on("message", (records: number) => {
    read = records;
    changed.resolve();
    changed = Promise.withResolvers();
  });
  const until = async (done: () => boolean) => {
    while (!done()) await changed.promise;
  };
  return {
    write(n) {
      if (sent - read >= ON_THE_WAY_MAX) return 0;
      const words = new Int32Array(count * flow.batch);
      for (let i = 0; i < flow.batch; i++) writeRecord(words, i * count, count, n + i);
      port.postMessage(words);
      sent += flow.batch;
      return flow.batch;
    },
    room: () => until(() => sent - read <= ON_THE_WAY_MAX / 2),
    drained: () => until(() => sent === read),
    async end() {
      port.postMessage(END);
    },
  };
}

async function readRing(flow: Flow): Promise<Report> {
  const ring = new IngressConsumer(flow.ring);
  const own = new Signal(flow.signals, 1);
  const writer = new Signal(flow.signals, 0);
  const seen = report();
  const count = flow.recordBytes >> 2;
  for (;;) {
    let taken = 0;
    while (taken < 1024 && ring.next()) {
      taken++;
      if (ring.length === 4 && ring.words[ring.index >> 2] === END) return seen;
      if (ring.length !== flow.recordBytes || !isRecord(ring.words, ring.index >> 2, count, seen.records))
        seen.faults++;
      seen.records++;
    }
    ring.release();
    writer.wake();
    if (taken === 0) await own.sleep(() => ring.isEmpty());
  }
}

function readMessages(flow: Flow): Promise<Report> {
  const { port } = flow;
  const seen = report();
  const count = flow.recordBytes >> 2;
  let telling = false;
  return new Promise((resolve) => {
    port.on("message", (words: Int32Array | number) => {
      if (typeof words === "number") return resolve(seen);
      for (let at = 0; at < words.length; at += count) {
        if (!isRecord(words, at, count, seen.records)) seen.faults++;
        seen.records++;
      }
      // Said once for all messages that were waiting.
      if (telling) return;
      telling = true;
      setImmediate(() => {
        telling = false;
        port.postMessage(seen.records);
      });
    });
  });
}

/** Asks one question at a time, each after a pause, and times the way there and back. */
async function ask(talk: Talk): Promise<Report> {
  const seen = report();
  const line = connect(talk, 0);
  for (let n = 1; n <= talk.trips; n++) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const started = performance.now();
    line.send(n);
    await line.receive(n);
    seen.tripMicros.push((performance.now() - started) * 1000);
  }
  return seen;
}

async function answer(talk: Talk): Promise<Report> {
  const line = connect(talk, 1);
  for (let n = 1; n <= talk.trips; n++) {
    await line.receive(n);
    line.send(n);
  }
  return report();
}

/** One end of the line between the two talkers. */
function connect(talk: Talk, end: 0 | 1): { send(n: number): void; receive(n: number): Promise<void> } {
  if (talk.transport === "ring") {
    const words = new Int32Array(talk.words);
    const own = new Signal(talk.signals, end);
    const other = new Signal(talk.signals, 1 - end);
    const [mine, theirs] = end === 0 ? [0, 32] : [32, 0];
    return {
      send(n) {
        Atomics.store(words, mine, n);
        other.wake();
      },
      async receive(n) {
        while (Atomics.load(words, theirs) < n) await own.sleep(() => Atomics.load(words, theirs) < n);
      },
    };
  }
  const { port } = talk;
  let last = 0;
  let arrived = Promise.withResolvers<void>();
  port.on("message", (n: number) => {
    last = n;
    arrived.resolve();
    arrived = Promise.withResolvers();
  });
  return {
    send: (n) => port.postMessage(n),
    async receive(n) {
      while (last < n) await arrived.promise;
    },
  };
}

function play(order: Order): Promise<Report> {
  switch (order.role) {
    case "write":
      return write(order);
    case "read":
      return order.transport === "ring" ? readRing(order) : readMessages(order);
    case "ask":
      return ask(order);
    case "answer":
      return answer(order);
  }
}

// A thread that sleeps on a signal alone would end.
const alive = setInterval(() => {}, 60_000);
parentPort?.postMessage(await play(workerData as Order));
clearInterval(alive);
