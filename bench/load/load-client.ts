/** A load process, as the bench that starts it sees it. */
import type { Subprocess } from "bun";
import type { Answer, Order, Role } from "./messages.ts";

const ENTRY = new URL("./load-process.ts", import.meta.url).pathname;

export class LoadProcess {
  readonly #child: Subprocess;
  readonly #answers: Answer[] = [];
  #arrived = Promise.withResolvers<void>();
  #isOver = false;

  constructor(role: Role) {
    this.#child = Bun.spawn([process.execPath, ENTRY, JSON.stringify(role)], {
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      ipc: (answer: Answer) => {
        this.#answers.push(answer);
        this.#arrived.resolve();
      },
      onExit: () => {
        this.#isOver = true;
        this.#arrived.resolve();
      },
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  tell(order: Order): void {
    this.#child.send(order);
  }

  /** The next answer, which has to be of this kind. Rejects where the process failed. */
  async next<Kind extends Answer["answer"]>(kind: Kind): Promise<Answer & { answer: Kind }> {
    for (;;) {
      const answer = this.#answers.shift();
      if (answer?.answer === "failed") throw new Error(answer.message);
      if (answer?.answer === kind) return answer as Answer & { answer: Kind };
      if (answer !== undefined) throw new Error(`a load process said ${answer.answer}, not ${kind}`);
      if (this.#isOver) throw new Error(`a load process ended before it said ${kind}`);
      await this.#arrived.promise;
      this.#arrived = Promise.withResolvers();
    }
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}
