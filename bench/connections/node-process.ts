/** A node of the run: the real command, with a log of its own. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Subprocess } from "bun";
import type { NodePlan } from "./plan.ts";
import type { Reaper } from "./reaper.ts";

const COMMAND = resolve(import.meta.dir, "../../scripts/danmakud");
const READY_MS_MAX = 60_000;
const LOOK_MS = 50;

/** How every node runs: independent, without limits on publishers, one gateway thread. */
export const NODE_FLAGS =
  "--dev --limits off --demo off --grpc-port 0 --admin-listen off --durability os --threads 1";

/** A node did not come up, or has ended; with the end of its log. */
export class NodeFailure extends Error {}

export class NodeProcess {
  readonly plan: NodePlan;
  readonly pid: number;
  readonly #port: number;
  readonly #log: string;
  readonly #child: Subprocess;

  constructor(plan: NodePlan, port: number, reaper: Reaper) {
    this.plan = plan;
    this.#port = port;
    this.#log = join(reaper.folder, `node-${plan.number}.log`);
    const data = join(reaper.folder, `node-${plan.number}`);
    const where = ["--host", plan.address, "--port", String(port), "--data", data];
    this.#child = Bun.spawn(["sh", COMMAND, "serve", ...NODE_FLAGS.split(" "), ...where], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: Bun.file(this.#log),
    });
    this.pid = this.#child.pid;
    reaper.watch(this.pid);
  }

  /** Rejects with what the node wrote where it does not come up. */
  async ready(): Promise<void> {
    const deadline = performance.now() + READY_MS_MAX;
    for (;;) {
      const answer = await fetch(`http://${this.plan.address}:${this.#port}/readyz`).catch(() => undefined);
      if (answer?.ok === true) return;
      if (this.isOver || performance.now() > deadline) throw this.failure("is not ready");
      await Bun.sleep(LOOK_MS);
    }
  }

  get isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** What it has warned of since it came up. */
  warnings(): string[] {
    const lines = readFileSync(this.#log, "utf8").split("\n");
    const ready = lines.findIndex((line) => line.includes('"ready"'));
    return lines.slice(ready + 1).filter((line) => /"level":[4-6]0/.test(line));
  }

  failure(how: string): NodeFailure {
    return new NodeFailure(
      `node ${this.plan.number} ${how}:\n${readFileSync(this.#log, "utf8").slice(-2000)}`,
    );
  }
}
