/** Viewers who are there all the time, and a publisher at a steady rate: what they notice of what else goes on. */
import { LatencyHistogram } from "./histogram.ts";
import { LoadProcess } from "./load-client.ts";

const RATE_PER_SECOND = 100;
const SECONDS = 1.2;
const TICK_MICROS = 1000;
const CONNECT_LIMIT_MS = 30_000;
const DRAIN = { quietMs: 1000, limitMs: 10_000 } as const;

export class Onlookers {
  readonly #viewers: LoadProcess;
  readonly #publisher: LoadProcess;
  #published = 0;
  #isStopped = false;

  constructor(port: number, count: number) {
    const system = "danmakud";
    const viewers = {
      first: 0,
      count,
      probes: count,
      pauseMicros: 0,
      stalled: 0,
      connectLimitMs: CONNECT_LIMIT_MS,
    };
    this.#viewers = new LoadProcess({ role: "viewers", system, port, ...viewers });
    this.#publisher = new LoadProcess({ role: "publisher", system, port });
  }

  async ready(): Promise<void> {
    await this.#viewers.next("ready");
    await this.#publisher.next("ready");
  }

  /** Latencies of all deliveries of a little more than a second, from the intended time of the publish. */
  async watch(): Promise<LatencyHistogram> {
    this.#viewers.tell({ order: "reset", stalls: false });
    await this.#viewers.next("done");
    const schedule = { ratePerSecond: RATE_PER_SECOND, seconds: SECONDS, tickMicros: TICK_MICROS };
    this.#publisher.tell({ order: "publish", ...schedule, first: this.#published });
    const { sent } = (await this.#publisher.next("published")).report;
    this.#published += sent;
    this.#viewers.tell({ order: "drain", records: sent, ...DRAIN });
    const latency = new LatencyHistogram();
    latency.addText((await this.#viewers.next("viewers")).report.latency);
    return latency;
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await this.#publisher.stop();
    await this.#viewers.stop();
  }
}
