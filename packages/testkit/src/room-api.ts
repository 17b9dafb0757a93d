import type { DanmakuRecord } from "@danmakud/wire";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body where it is JSON, else its text. */
  readonly body: unknown;
}

/** Body of a history answer. */
export interface HistoryBody {
  readonly epoch: string;
  readonly head: number;
  readonly danmaku: readonly DanmakuRecord[];
}

/** Body of an answer to one published danmaku. */
export interface PublishedBody {
  readonly offset: number;
  readonly ts: number;
  readonly epoch: string;
}

/** Body of an error (RFC 9457). */
export interface ProblemBody {
  readonly type?: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
}

const PAGE_RECORDS = 1000;

/** One HTTP call; reads the body, whatever it is. */
export async function call(url: string, init: RequestInit = {}): Promise<HttpAnswer> {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
  const text = await answer.text();
  const json = /^application\/([a-z.]+\+)?json\b/.test(answer.headers.get("content-type") ?? "");
  return { status: answer.status, headers: answer.headers, body: json ? JSON.parse(text) : text };
}

/** Posts a value as JSON. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<HttpAnswer> {
  return call(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

/** The HTTP face of one room. */
export class RoomApi {
  readonly url: string;

  /** `base` is the address of the node, without a slash at the end. */
  constructor(base: string, room: string) {
    this.url = `${base}/v1/rooms/${room}`;
  }

  /** Publishes one danmaku or an array of them; `query` without the question mark. */
  publish(body: unknown, headers: Record<string, string> = {}, query = ""): Promise<HttpAnswer> {
    return post(`${this.url}/danmaku${query === "" ? "" : `?${query}`}`, body, headers);
  }

  /** Publishes one danmaku that has to be accepted. */
  async mustPublish(
    body: Record<string, unknown>,
    headers: Record<string, string> = {},
  ): Promise<PublishedBody> {
    const answer = await this.publish(body, headers);
    if (answer.status !== 201)
      throw new Error(`not accepted: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as PublishedBody;
  }

  /** One page of history; `query` such as `last=10`. */
  async history(query: string): Promise<HistoryBody> {
    const answer = await call(`${this.url}/danmaku?${query}`);
    if (answer.status !== 200) throw new Error(`no history: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as HistoryBody;
  }

  /** The whole kept history, page by page; empty where the room does not exist. */
  async all(): Promise<DanmakuRecord[]> {
    const danmaku: DanmakuRecord[] = [];
    for (let after = 0; ; ) {
      const answer = await call(`${this.url}/danmaku?after=${after}&limit=${PAGE_RECORDS}`);
      if (answer.status === 404) return danmaku;
      if (answer.status !== 200)
        throw new Error(`no history: ${answer.status} ${JSON.stringify(answer.body)}`);
      const page = answer.body as HistoryBody;
      const last = page.danmaku.at(-1);
      if (!last) return danmaku;
      danmaku.push(...page.danmaku);
      after = last.offset;
    }
  }

  /** `GET` of the room itself. */
  info(): Promise<HttpAnswer> {
    return call(this.url);
  }
}
