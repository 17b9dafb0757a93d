import type { ServerRecord } from "@danmakud/wire";
import { waitFor } from "./wait-for.ts";

/** One Server-Sent Event. */
export interface StreamEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

/** A reader of Server-Sent Events that keeps what came, comments counted. */
export class EventStream {
  readonly events: StreamEvent[] = [];
  comments = 0;
  ended = false;
  readonly status: number;
  readonly headers: Headers;
  readonly #abort: AbortController;

  private constructor(answer: Response, abort: AbortController) {
    this.status = answer.status;
    this.headers = answer.headers;
    this.#abort = abort;
    if (answer.body) this.#read(answer.body).catch(() => {});
  }

  /** Opens the stream; settles with the answer's head, whatever its status. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
    const abort = new AbortController();
    const answer = await fetch(url, {
      headers: { accept: "text/event-stream", ...headers },
      signal: abort.signal,
    });
    return new EventStream(answer, abort);
  }

  /** The events as records. */
  get records(): ServerRecord[] {
    return this.events.map((event) => JSON.parse(event.data) as ServerRecord);
  }

  /** Waits for a record that `matches`. */
  async record(what: string, matches: (record: ServerRecord) => boolean): Promise<ServerRecord> {
    return await waitFor(`${what} on the event stream; got ${JSON.stringify(this.events)}`, () =>
      this.records.find(matches),
    );
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const chunk of body) {
        const blocks = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) this.#take(block);
      }
    } finally {
      this.ended = true;
    }
  }

  #take(block: string): void {
    const data: string[] = [];
    let id: string | undefined;
    let event: string | undefined;
    for (const line of block.split("\n")) {
      if (line.startsWith(":")) this.comments++;
      else if (line.startsWith("id:")) id = line.slice(3).trim();
      else if (line.startsWith("event:")) event = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    }
    if (data.length > 0) this.events.push({ id, event, data: data.join("\n") });
  }
}
