/** What processes used, from /proc (proc(5)). */
import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks per second in /proc: 100 on every Linux there is. */
const TICK_MICROS = 10_000;

interface ProcessTimes {
  readonly parent: number;
  readonly micros: number;
}

function timesOf(pid: number | string): ProcessTimes | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold anything, so fields are counted behind it: state is the first.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), micros: (Number(fields[11]) + Number(fields[12])) * TICK_MICROS };
  } catch {
    return undefined;
  }
}

/** A process and its descendants, by id. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const times = timesOf(entry);
    if (times !== undefined) parents.set(Number(entry), times.parent);
  }
  const tree = new Set([root]);
  for (let size = 0; size !== tree.size; ) {
    size = tree.size;
    for (const [pid, parent] of parents) if (tree.has(parent)) tree.add(pid);
  }
  return [...tree];
}

/** User and system time of processes that have not ended, microseconds. */
export function cpuMicros(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (timesOf(pid)?.micros ?? 0), 0);
}

/** What all processes of the machine used since it started, interrupts included, microseconds. */
export function machineMicros(): number {
  // cpu user nice system idle iowait irq softirq …
  const fields =
    readFileSync("/proc/stat", "utf8").split("\n", 1)[0]?.trim().split(/\s+/).slice(1).map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields;
  return (user + nice + system + irq + softirq) * TICK_MICROS;
}

/** Time a process's main thread ran or was ready to run but had to wait for a core, microseconds. */
export function busyMicros(pid: number): number {
  try {
    const [ran, waited] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ");
    return (Number(ran) + Number(waited)) / 1000;
  } catch {
    return 0;
  }
}

export interface ThreadTimes {
  readonly ranMicros: number;
  /** Ready to run, but other threads had the cores. */
  readonly queuedMicros: number;
  /** How often it was given a core. */
  readonly slices: number;
}

/** Times of a process's threads by their names; threads of one name together. */
export function threadTimes(pid: number): Map<string, ThreadTimes> {
  const times = new Map<string, ThreadTimes>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const folder = `/proc/${pid}/task/${thread}`;
      const name = readFileSync(`${folder}/comm`, "utf8").trim();
      const [ran = 0, queued = 0, slices = 0] = readFileSync(`${folder}/schedstat`, "utf8")
        .split(" ")
        .map(Number);
      const before = times.get(name) ?? { ranMicros: 0, queuedMicros: 0, slices: 0 };
      times.set(name, {
        ranMicros: before.ranMicros + ran / 1000,
        queuedMicros: before.queuedMicros + queued / 1000,
        slices: before.slices + slices,
      });
    } catch {
      // It ended meanwhile.
    }
  }
  return times;
}

/** Time that a process's threads ran, microseconds, by thread name. */
export function threadMicros(pid: number): Map<string, number> {
  return new Map([...threadTimes(pid)].map(([name, { ranMicros }]) => [name, ranMicros]));
}
