/** The measuring process's end of a crowd (see `crowd-process.ts`). */
import { join } from "node:path";
import type { Subprocess } from "bun";
import type { Answer, Block, Command, Counts } from "./commands.ts";
import type { Reaper } from "./reaper.ts";

const PROGRAM = join(import.meta.dir, "crowd-process.ts");

type Said<Kind extends Answer["says"]> = Extract<Answer, { says: Kind }>;

export class CrowdHandle {
  readonly pid: number;
  readonly #child: Subprocess<"pipe", "pipe", "inherit">;
  /** Who waits for an answer, by its kind; answers of a kind come in the order they were asked for. */
  readonly #waiting = new Map<Answer["says"], PromiseWithResolvers<Answer>[]>();
  #failure: Error | undefined;

  constructor(capacity: number, reaper: Reaper) {
    this.#child = Bun.spawn([process.execPath, "--smol", PROGRAM, String(capacity), reaper.folder], {
      // Freed memory goes back at once instead of by a thread that wakes up ten times a second to look for some.
      env: { ...process.env, MIMALLOC_PURGE_DELAY: "0" },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.pid = this.#child.pid;
    reaper.watch(this.pid);
    this.#listen().catch((error: Error) => this.#fail(error));
  }

  /** Connects a block; resolves once all of it is joined, with how long that took. */
  async open(block: Block): Promise<number> {
    return (await this.#ask("opened", { do: "open", block })).micros;
  }

  /** Zeroes its counts; commands are obeyed in order. */
  reset(): void {
    this.#tell({ do: "reset" });
  }

  async count(): Promise<Counts> {
    return (await this.#ask("counts", { do: "count", latency: false })).counts;
  }

  /** The latencies of sampled viewers, as a histogram. */
  async latency(): Promise<string> {
    return (await this.#ask("counts", { do: "count", latency: true })).latency;
  }

  /** Publishes on all connections; resolves when all is acked. */
  async publish(perSecond: number, seconds: number): Promise<Said<"published">> {
    return await this.#ask("published", { do: "publish", perSecond, seconds });
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #tell(command: Command): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    this.#child.stdin.flush();
  }

  async #ask<Kind extends Answer["says"]>(kind: Kind, command: Command): Promise<Said<Kind>> {
    const answer = Promise.withResolvers<Answer>();
    // Where it fails while nobody looks, whoever comes next is told.
    answer.promise.catch(() => {});
    const line = this.#waiting.get(kind) ?? [];
    this.#waiting.set(kind, line);
    this.#tell(command);
    line.push(answer);
    return (await answer.promise) as Said<Kind>;
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    let begun = "";
    for await (const chunk of this.#child.stdout) {
      const lines = (begun + decoder.decode(chunk, { stream: true })).split("\n");
      begun = lines.pop() ?? "";
      for (const line of lines) this.#heard(JSON.parse(line) as Answer);
    }
    this.#fail(new Error("a client process ended"));
  }

  #heard(answer: Answer): void {
    if (answer.says === "failed") this.#fail(new Error(`a client process failed: ${answer.why}`));
    else this.#waiting.get(answer.says)?.shift()?.resolve(answer);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const line of this.#waiting.values())
      for (const waiting of line.splice(0)) waiting.reject(this.#failure);
  }
}
