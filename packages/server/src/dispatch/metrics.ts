/** Prometheus metrics of a dispatch worker. */
import { Counter, Gauge, Registry } from "prom-client";

/** Upper bounds of the latency buckets, milliseconds: no more than 5 % apart around the 10 ms that are aimed at. */
const BUCKETS_MS = [
  0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.25, 5.5, 5.75, 6, 6.3, 6.6, 6.9, 7.2, 7.5, 7.8, 8.15,
  8.5, 8.9, 9.3, 9.65, 10, 10.5, 11, 11.5, 12, 12.5, 13, 13.6, 14.25, 14.9, 15.6, 16.3, 17.1, 17.9, 18.7,
  19.5, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000,
];

/** What the gauges are read from when they are asked for. */
export interface DispatchState {
  readonly slots: number;
  readonly rooms: number;
  readonly queued: number;
  readonly isRedisReady: boolean;
  readonly isSinkAway: boolean;
  readonly workers: number;
}

export class DispatchMetrics {
  readonly registry = new Registry();
  readonly read = this.#counter("read_total", "Entries read from the rooms' streams.");
  readonly acked = this.#counter("acked_total", "Entries that all sinks have, acknowledged.");
  readonly claimed = this.#counter(
    "claimed_total",
    "Pending entries taken over from a worker or a lost reply.",
  );
  readonly retried = this.#counter("retried_total", "Entries in calls of a sink that failed.");
  readonly dead = this.#counter("dead_letters_total", "Entries given up and put into a room's dead letters.");
  readonly trimmed = this.#counter("trimmed_total", "Entries lost: trimmed while they were pending.");
  readonly sinkAway = this.#counter("sink_unavailable_total", "Calls of a sink that found it away.");
  readonly redisErrors = this.#counter("redis_errors_total", "Failures of connections to Redis.");
  readonly leasesLost = this.#counter("leases_lost_total", "Slots lost to another worker or to time.");
  readonly #latency = new Float64Array(BUCKETS_MS.length + 1);
  #latencySumMs = 0;
  #oldestMs = 0;

  constructor(state: () => DispatchState) {
    const registers = [this.registry];
    const gauge = (name: string, help: string, value: (state: DispatchState) => number): void => {
      const made: Gauge = new Gauge({
        name: `danmakud_dispatch_${name}`,
        help,
        registers,
        collect: () => made.set(value(state())),
      });
    };
    gauge("slots", "Slots that this worker has.", ({ slots }) => slots);
    gauge("rooms", "Rooms that this worker looks after.", ({ rooms }) => rooms);
    gauge("queued", "Entries in memory, read and not acknowledged.", ({ queued }) => queued);
    gauge("workers", "Workers that are alive, as this one sees it.", ({ workers }) => workers);
    gauge("redis_up", "1 while Redis can be asked.", ({ isRedisReady }) => (isRedisReady ? 1 : 0));
    gauge("sink_up", "0 while a sink is away and entries wait for it.", ({ isSinkAway }) =>
      isSinkAway ? 0 : 1,
    );
    gauge("oldest_seconds", "Age of the oldest entry read since this was last asked: the backlog.", () => {
      const seconds = this.#oldestMs / 1000;
      this.#oldestMs = 0;
      return seconds;
    });
    gauge("resident_memory_bytes", "Resident memory of the process.", () => process.memoryUsage.rss());
    this.#registerLatency();
  }

  /** How long ago an entry was written when it was read, milliseconds. */
  noteAge(ageMs: number): void {
    if (ageMs > this.#oldestMs) this.#oldestMs = ageMs;
  }

  /** So many entries were acknowledged so long after they were read. */
  noteLatency(ms: number, count: number): void {
    let bucket = 0;
    while (bucket < BUCKETS_MS.length && ms > (BUCKETS_MS[bucket] ?? 0)) bucket++;
    this.#latency[bucket] = (this.#latency[bucket] ?? 0) + count;
    this.#latencySumMs += ms * count;
  }

  /**
   * In the form of a histogram, made of counters: the library's own takes one entry at a time, which costs more than
   * everything else that is done per entry here.
   */
  #registerLatency(): void {
    const name = "danmakud_dispatch_read_to_ack_seconds";
    const registers = [this.registry];
    const bucket: Counter<"le"> = new Counter({
      name: `${name}_bucket`,
      help: "Entries by the time from reading to acknowledging, cumulative.",
      labelNames: ["le"],
      registers,
      collect: () => {
        bucket.reset();
        let below = 0;
        for (const [at, count] of this.#latency.entries()) {
          below += count;
          const bound = BUCKETS_MS[at];
          bucket.inc({ le: bound === undefined ? "+Inf" : String(bound / 1000) }, below);
        }
      },
    });
    const total = (suffix: string, value: () => number): void => {
      const made: Counter = new Counter({
        name: `${name}_${suffix}`,
        help: "See the buckets.",
        registers,
        collect: () => {
          made.reset();
          made.inc(value());
        },
      });
    };
    total("count", () => this.#latency.reduce((sum, count) => sum + count, 0));
    total("sum", () => this.#latencySumMs / 1000);
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name: `danmakud_dispatch_${name}`, help, registers: [this.registry] });
  }
}
