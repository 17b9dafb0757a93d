import { readdirSync, readFileSync } from "node:fs";

const TASKS = "/proc/self/task";
/** What the system keeps of a thread's name. */
const NAME_CHARACTERS = 15;

/** Those who collect garbage for a thread while it stands still, as the system has their names. */
const COLLECTORS: ReadonlySet<string> = new Set(["HeapHelper", "ollector Thread"]);

/**
 * For how long threads of this process have been ready to run without getting a processor, or have stood still for a collector
 * that got none: whose it was is not known, so the one counts that waited longest since the last look. Linux keeps it per thread
 * (`/proc/PID/task/TID/schedstat`, second number, ns); elsewhere it is not known, and 0.
 */
export class ProcessorWait {
  readonly #tasks = new Map<string, string>();
  /** What each collector that was there at the last look had waited by then. */
  #collectors = new Map<string, number>();
  #collectorsMs = 0;

  /** In the life of the thread that has this name, ms; of several the youngest. */
  waitedMs(name: string): number {
    const found = waitedMs(this.#tasks.get(name) ?? "") ?? waitedMs(this.#find(name));
    return found === undefined ? 0 : found + this.#waitedForCollectors();
  }

  /** The name's thread was ended or started. */
  forget(name: string): void {
    this.#tasks.delete(name);
  }

  /** Never less than before, although collectors come and go, and never more by several at once than has passed. */
  #waitedForCollectors(): number {
    const present = new Map<string, number>();
    let longestMs = 0;
    for (const task of tasks()) {
      if (!COLLECTORS.has(nameOf(task))) continue;
      const now = waitedMs(task) ?? 0;
      longestMs = Math.max(longestMs, now - (this.#collectors.get(task) ?? 0));
      present.set(task, now);
    }
    this.#collectors = present;
    this.#collectorsMs += longestMs;
    return this.#collectorsMs;
  }

  #find(name: string): string {
    let found = "";
    for (const task of tasks()) {
      if (nameOf(task) === name.slice(0, NAME_CHARACTERS)) found = task;
    }
    this.#tasks.set(name, found);
    return found;
  }
}

/** Oldest first. */
function tasks(): readonly string[] {
  try {
    return readdirSync(TASKS).toSorted((a, b) => Number(a) - Number(b));
  } catch {
    return [];
  }
}

function nameOf(task: string): string {
  return read(`${TASKS}/${task}/comm`)?.trim() ?? "";
}

function waitedMs(task: string): number | undefined {
  const waitedNs = read(`${TASKS}/${task}/schedstat`)?.split(" ")[1];
  return waitedNs === undefined ? undefined : Number(waitedNs) / 1e6;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
