/** JavaScript memory of a page and of its worker, garbage collected, by the browser's own count (Chrome DevTools Protocol). */
import type { CDPSession, Page } from "playwright-core";

interface Answer {
  readonly id?: number;
  readonly result?: { readonly usedSize?: number };
}

export class Heaps {
  readonly #page: CDPSession;
  #workerSession: string | undefined;
  #asked = 0;
  readonly #waiting = new Map<number, (bytes: number) => void>();

  private constructor(page: CDPSession) {
    this.#page = page;
    page.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
      if (targetInfo.type === "worker") this.#workerSession = sessionId;
    });
    page.on("Target.receivedMessageFromTarget", ({ message }) => {
      const { id = 0, result } = JSON.parse(message) as Answer;
      this.#waiting.get(id)?.(result?.usedSize ?? 0);
      this.#waiting.delete(id);
    });
  }

  /** To be made before the page starts its worker; of several, the latest counts. */
  static async of(page: Page): Promise<Heaps> {
    const session = await page.context().newCDPSession(page);
    const heaps = new Heaps(session);
    await session.send("Target.setAutoAttach", {
      autoAttach: true,
      waitForDebuggerOnStart: false,
      flatten: false,
    });
    return heaps;
  }

  async pageBytes(): Promise<number> {
    await this.#page.send("HeapProfiler.collectGarbage");
    return (await this.#page.send("Runtime.getHeapUsage")).usedSize;
  }

  async workerBytes(): Promise<number> {
    await this.#askWorker("HeapProfiler.collectGarbage");
    return this.#askWorker("Runtime.getHeapUsage");
  }

  async #askWorker(method: string): Promise<number> {
    const sessionId = this.#workerSession;
    if (sessionId === undefined) throw new Error("the page has no worker");
    const id = ++this.#asked;
    const answer = new Promise<number>((done) => this.#waiting.set(id, done));
    await this.#page.send("Target.sendMessageToTarget", {
      sessionId,
      message: JSON.stringify({ id, method }),
    });
    return answer;
  }
}
