/** The whole retained history of a room, page by page, by HTTP. */
import { DanmakuError, type DanmakuRecord, isErrorCode, PAGE_RECORDS_MAX } from "@danmakud/wire";

/** One page, as `GET /v1/rooms/{room}/danmaku` answers. */
interface Page {
  readonly epoch: string;
  readonly head: number;
  readonly danmaku: readonly DanmakuRecord[];
}

/** A node that restarts is back long before. */
const TRIES_MAX = 8;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 8_000;
/** Of one page: a node that is alive needs milliseconds. */
const PAGE_TIMEOUT_MS = 30_000;

/**
 * Reads from the oldest danmaku to the one that was the newest when reading began, so that a busy room comes to an end.
 * @param base address of the node, `http(s)://…` or `ws(s)://…`.
 * @throws DanmakuError what the node refuses; `unavailable` where it does not answer for long, or where the room's log began
 * anew in between.
 */
export async function* readHistory(
  base: string,
  room: string,
  token: string | undefined,
): AsyncGenerator<readonly DanmakuRecord[]> {
  const address = `${base.replace(/^ws/, "http").replace(/\/$/, "")}/v1/rooms/${room}/danmaku`;
  let after = 0;
  let first: Page | undefined;
  for (;;) {
    const page = await readPage(`${address}?after=${after}&limit=${PAGE_RECORDS_MAX}`, token);
    first ??= page;
    if (page.epoch !== first.epoch) {
      throw new DanmakuError("unavailable", "the room's log began anew while it was read");
    }
    const { head } = first;
    const danmaku = page.danmaku.filter(({ offset }) => offset <= head);
    if (danmaku.length > 0) yield danmaku;
    after = page.danmaku.at(-1)?.offset ?? head;
    if (after >= head) return;
  }
}

async function readPage(url: string, token: string | undefined): Promise<Page> {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(url, {
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(PAGE_TIMEOUT_MS),
      });
      if (response.ok) return (await response.json()) as Page;
      throw await refusalOf(response);
    } catch (cause) {
      const error =
        cause instanceof DanmakuError
          ? cause
          : new DanmakuError("unavailable", `cannot read ${new URL(url).origin}: ${messageOf(cause)}`, {
              cause,
            });
      if (!error.retryable || attempt >= TRIES_MAX) throw error;
      const backoffMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (attempt - 1));
      await Bun.sleep(error.retryAfterMs ?? backoffMs);
    }
  }
}

async function refusalOf(response: Response): Promise<DanmakuError> {
  const problem = (await response.json().catch(() => ({}))) as {
    readonly code?: unknown;
    readonly detail?: string;
    readonly retryAfterMs?: number;
  };
  // What is no answer of a node (a proxy's page, another service) will not become one.
  const code = isErrorCode(problem.code)
    ? problem.code
    : response.status >= 500
      ? "unavailable"
      : "not_found";
  return new DanmakuError(code, problem.detail ?? `HTTP status ${response.status}`, {
    retryAfterMs: problem.retryAfterMs,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
