/** Who used how much of the machine: the node by its threads, Redis, the generator. */
import type { Metrics } from "../harness/scenario.ts";
import { cpuMicros, threadMicros } from "../load/cpu.ts";

/** Threads of a node, by how their names begin; the rest (main, collector, compiler) is `other`. */
const THREADS = { gateway: "gateway", sequencer: "redisThread" } as const;

interface Reading {
  readonly node: number;
  readonly threads: ReadonlyMap<string, number>;
  readonly redis: number;
  readonly load: number;
  readonly at: number;
}

export class CpuWatch {
  readonly #node: number | undefined;
  readonly #redis: number;
  readonly #load: readonly number[];
  readonly #begin: Reading;

  /** @param node id of the node's process, where one takes part. */
  constructor(node: number | undefined, redis: number, load: readonly number[]) {
    this.#node = node;
    this.#redis = redis;
    this.#load = load;
    this.#begin = this.#read();
  }

  /** Cores that each took since the watch began, 1 = one core all the time. */
  end(prefix: string): Metrics {
    const [from, to] = [this.#begin, this.#read()];
    const wall = (to.at - from.at) * 1000;
    const metrics: Record<string, number> = {
      [`${prefix}RedisBusyRatio`]: (to.redis - from.redis) / wall,
      [`${prefix}LoadBusyRatio`]: (to.load - from.load) / wall,
    };
    if (this.#node === undefined) return metrics;
    let rest = to.node - from.node;
    for (const [begin, name] of Object.entries(THREADS)) {
      let micros = 0;
      for (const [thread, value] of to.threads) {
        if (thread.startsWith(begin)) micros += value - (from.threads.get(thread) ?? 0);
      }
      rest -= micros;
      metrics[`${prefix}${name[0]?.toUpperCase()}${name.slice(1)}BusyRatio`] = micros / wall;
    }
    metrics[`${prefix}NodeOtherBusyRatio`] = Math.max(0, rest) / wall;
    return metrics;
  }

  #read(): Reading {
    const node = this.#node;
    return {
      node: node === undefined ? 0 : cpuMicros([node]),
      threads: node === undefined ? new Map() : threadMicros(node),
      redis: cpuMicros([this.#redis]),
      load: cpuMicros(this.#load),
      at: performance.now(),
    };
  }
}
