import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { createIngressRing, createSignals } from "@danmakud/core/memory";
import { measureInTurns, percentile } from "./harness/rounds.ts";
import type { Context, Metrics, Run, Scenario } from "./harness/scenario.ts";
import type { Order, Report, Talk, Transport } from "./ring-thread.ts";

/**
 * Records from one thread to another, and what it takes to wake one. The contestants move the same records, written and
 * read word by word on both sides:
 * - `ring`: an ingress ring; the reader sleeps when it is empty, the writer when it is full.
 * - `postMessage`: one message per record, a bounded number of them on the way.
 * - `postMessage-batched`: as many records per message as the ring commits at once.
 */
export const ring: Scenario = {
  name: "ring",
  summary: "records from one thread to another: shared ring against postMessage",
  flags: [
    { name: "record-bytes", kind: "number", default: 80, help: "bytes of a record, a multiple of 4" },
    { name: "batch", kind: "number", default: 64, help: "records per commit" },
    { name: "ring-kib", kind: "number", default: 1024, help: "capacity of the ring, a power of two" },
    {
      name: "trips",
      kind: "number",
      default: 200,
      help: "round trips per round, one at a time to a thread asleep",
    },
  ],
  run(context: Context): Promise<readonly Run[]> {
    const recordBytes = context.number("record-bytes");
    const batch = context.number("batch");
    const ringKib = context.number("ring-kib");
    const contestant = (name: string, transport: Transport, records: number) => ({
      name,
      params: { recordBytes, batch: records, ...(transport === "ring" ? { ringKib } : {}) },
      measure: async (seconds: number): Promise<Metrics> => ({
        ...(await measureFlow({ transport, seconds, recordBytes, batch: records, ringKib })),
        ...(await measureTrips(transport, context.number("trips"))),
      }),
    });
    return measureInTurns(context, [
      contestant("ring", "ring", batch),
      contestant("postMessage", "postMessage", 1),
      contestant("postMessage-batched", "postMessage", batch),
    ]);
  },
};

function startThread(order: Order, transfer: readonly MessagePort[] = []): Worker {
  return new Worker(new URL("./ring-thread.ts", import.meta.url), {
    workerData: order,
    transferList: [...transfer],
  });
}

function reportOf(worker: Worker): Promise<Report> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

interface Load {
  readonly transport: Transport;
  readonly seconds: number;
  readonly recordBytes: number;
  readonly batch: number;
  readonly ringKib: number;
}

/** As fast as it goes for some seconds. The clock stops when the last record has been read. */
async function measureFlow(load: Load): Promise<Metrics> {
  const { port1, port2 } = new MessageChannel();
  const common = {
    ...load,
    ring: createIngressRing(load.ringKib * 1024),
    signals: createSignals(2),
  };
  const reader = startThread({ ...common, role: "read", port: port2 }, [port2]);
  const read = reportOf(reader);
  const writer = startThread({ ...common, role: "write", port: port1 }, [port1]);
  const [written, seen] = await Promise.all([reportOf(writer), read]);
  await Promise.all([writer.terminate(), reader.terminate()]);
  if (written.records !== seen.records || seen.faults > 0) {
    throw new Error(
      `${load.transport}: sent ${written.records}, read ${seen.records}, ${seen.faults} broken`,
    );
  }
  return { recordsPerSecond: written.measuredRecords / written.measuredSeconds };
}

/** One word there and one back, with a pause before each so that both threads are asleep. */
async function measureTrips(transport: Transport, trips: number): Promise<Metrics> {
  const { port1, port2 } = new MessageChannel();
  const common = { transport, trips, signals: createSignals(2), words: new SharedArrayBuffer(256) };
  const near = startThread({ ...common, role: "ask", port: port1 } satisfies Talk, [port1]);
  const far = startThread({ ...common, role: "answer", port: port2 } satisfies Talk, [port2]);
  const { tripMicros } = await reportOf(near);
  await Promise.all([near.terminate(), far.terminate()]);
  const sorted = tripMicros.toSorted((a, b) => a - b);
  return { roundTripP50Micros: percentile(sorted, 0.5), roundTripP99Micros: percentile(sorted, 0.99) };
}
