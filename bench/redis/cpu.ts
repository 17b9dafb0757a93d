/** Who used how much of the machine, and waited how long for it: the node by its threads, Redis, the generator. */
import type { Metrics } from "../harness/scenario.ts";
import { type ThreadTimes, threadTimes } from "../load/cpu.ts";

/** Threads of a node, by how their names begin; the rest (main, collector, compiler) is `NodeOther`. */
const NODE_THREADS: readonly (readonly [begin: string, name: string])[] = [
  ["gateway", "Gateway"],
  ["sequencer", "RedisThread"],
  ["", "NodeOther"],
];
const WHOLE: typeof NODE_THREADS = [["", ""]];

interface Watched {
  readonly name: string;
  readonly pid: number;
  readonly parts: typeof NODE_THREADS;
}

export class CpuWatch {
  readonly #watched: readonly Watched[];
  readonly #began: readonly Reading[];
  readonly #beganAt = performance.now();

  /**
   * @param node id of the node's process, where one takes part.
   * @param load the generator's processes, by name.
   */
  constructor(node: number | undefined, redis: number, load: Readonly<Record<string, number>>) {
    this.#watched = [
      ...(node === undefined ? [] : [{ name: "", pid: node, parts: NODE_THREADS }]),
      { name: "Redis", pid: redis, parts: WHOLE },
      ...Object.entries(load).map(([name, pid]) => ({ name, pid, parts: WHOLE })),
    ];
    this.#began = this.#watched.map(read);
  }

  /**
   * `…BusyRatio`: cores that it took since the watch began, 1 = one core all the time. `…QueuedMeanMicros`: how long it
   * was ready to run, each time, before it got a core.
   */
  end(prefix: string): Metrics {
    const wallMicros = (performance.now() - this.#beganAt) * 1000;
    const metrics: Record<string, number> = {};
    for (const [at, watched] of this.#watched.entries()) {
      const after = read(watched);
      for (const [part, times] of Object.entries(after)) {
        const before = this.#began[at]?.[part] ?? NOTHING;
        const slices = Math.max(1, times.slices - before.slices);
        metrics[`${prefix}${part}BusyRatio`] = (times.ranMicros - before.ranMicros) / wallMicros;
        metrics[`${prefix}${part}QueuedMeanMicros`] = (times.queuedMicros - before.queuedMicros) / slices;
      }
    }
    return metrics;
  }
}

type Reading = Readonly<Record<string, ThreadTimes>>;

const NOTHING: ThreadTimes = { ranMicros: 0, queuedMicros: 0, slices: 0 };

function read({ name, pid, parts }: Watched): Reading {
  const reading: Record<string, ThreadTimes> = {};
  for (const [thread, times] of threadTimes(pid)) {
    const part = `${name}${parts.find(([begin]) => thread.startsWith(begin))?.[1] ?? ""}`;
    const before = reading[part] ?? NOTHING;
    reading[part] = {
      ranMicros: before.ranMicros + times.ranMicros,
      queuedMicros: before.queuedMicros + times.queuedMicros,
      slices: before.slices + times.slices,
    };
  }
  return reading;
}
