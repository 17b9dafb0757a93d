/** Publishes by HTTP at a slow, steady rate, and tries again with the same key until each is acknowledged. */
const RETRY_MS = 50;
const REQUEST_LIMIT_MS = 2_000;

export class SteadyPublisher {
  /** Offsets that were acknowledged while it ran. */
  readonly acknowledged: number[] = [];
  /** Highest of all. */
  lastOffset = 0;
  readonly #url: string;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #open = new Set<Promise<void>>();
  #count = 0;

  constructor(port: number, room: string) {
    this.#url = `http://127.0.0.1:${port}/v1/rooms/${room}/danmaku`;
  }

  /** Gives the room a history. */
  async fill(records: number): Promise<void> {
    const drafts = Array.from({ length: records }, (_, i) => ({ uid: `fan-${i}`, content: `history ${i}` }));
    for (let from = 0; from < records; from += 1000) await this.#post(drafts.slice(from, from + 1000));
  }

  run(ratePerSecond: number): void {
    this.#timer = setInterval(() => {
      const sent = this.#publish(this.#count++);
      this.#open.add(sent);
      void sent.finally(() => this.#open.delete(sent));
    }, 1000 / ratePerSecond);
  }

  /** Resolves when everything is acknowledged. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
  }

  async #publish(number: number): Promise<void> {
    const draft = { uid: `fan-${number % 100}`, content: `live ${number}` };
    for (;;) {
      try {
        const { offset } = (await this.#post(draft, `bench-${number}`)) as { offset: number };
        this.acknowledged.push(offset);
        this.lastOffset = Math.max(this.lastOffset, offset);
        return;
      } catch {
        await Bun.sleep(RETRY_MS);
      }
    }
  }

  async #post(body: unknown, key?: string): Promise<unknown> {
    const answer = await fetch(this.#url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(key === undefined ? {} : { "idempotency-key": key }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
    });
    if (!answer.ok) throw new Error(`publishing was answered by ${answer.status}`);
    return await answer.json();
  }
}
