import { readdirSync, readFileSync } from "node:fs";

const TASKS = "/proc/self/task";
/** What the system keeps of a thread's name. */
const NAME_CHARACTERS = 15;

/**
 * For how long threads of this process have been ready to run without getting a processor. Linux keeps it per thread
 * (`/proc/PID/task/TID/schedstat`, second number, ns); elsewhere it is not known, and 0.
 */
export class ProcessorWait {
  readonly #tasks = new Map<string, string>();

  /** In the life of the thread that has this name, ms; of several the youngest. */
  waitedMs(name: string): number {
    const found = waitedMs(this.#tasks.get(name) ?? "") ?? waitedMs(this.#find(name));
    return found ?? 0;
  }

  /** The name's thread was ended or started. */
  forget(name: string): void {
    this.#tasks.delete(name);
  }

  #find(name: string): string {
    let found = "";
    for (const task of tasks()) {
      if (read(`${TASKS}/${task}/comm`)?.trim() === name.slice(0, NAME_CHARACTERS)) found = task;
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
