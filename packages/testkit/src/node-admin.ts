import { readFileSync } from "node:fs";

/** Faults that a node started with `DANMAKUD_FAULTS=on` plants into one of its threads. */
export type ThreadFault = "hang" | "crash" | "stuck";

/** Environment that makes a node accept planted faults. */
export const FAULTS_ON = { DANMAKUD_FAULTS: "on" } as const;

/** The admin address of a node. */
export class NodeAdmin {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Plants a fault: an endless loop (`hang`), an exception outside every handler (`crash`), or a call into the system that
   * cannot be ended and takes `ms` (`stuck`).
   */
  async fault(thread: string, fault: ThreadFault, ms?: number): Promise<void> {
    const answer = await fetch(`${this.#url}/debug/fault`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ thread, fault, ms }),
    });
    const body = await answer.text();
    if (!answer.ok) throw new Error(`planting ${fault} into ${thread} was refused: ${answer.status} ${body}`);
  }

  /** What the node tells about its threads. */
  async threads(): Promise<unknown> {
    const answer = await fetch(`${this.#url}/debug/threads`);
    return await answer.json();
  }

  /** The metrics page, Prometheus text. */
  async metrics(): Promise<string> {
    const answer = await fetch(`${this.#url}/metrics`);
    return await answer.text();
  }
}

/** Resident memory of a process in bytes, or undefined where the system does not tell (only Linux does here). */
export function residentBytes(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
}
