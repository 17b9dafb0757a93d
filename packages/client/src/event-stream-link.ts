/** For networks that let no WebSocket pass: records come as Server-Sent Events, danmaku go by POST. */
import { DanmakuError, isErrorCode, type PublishRecord, type ServerRecord } from "@danmakud/wire";
import { EVENT_CHARS_MAX, POST_RECORDS_MAX, STREAM_SILENCE_MS_MAX } from "./limits.ts";
import { asRecords, closeCodeOf, type Link, type LinkHandlers, messageOf, NO_CLOSE_FRAME } from "./link.ts";

/** One outcome of a POST of an array. */
interface Outcome {
  readonly offset: number;
  readonly error?: Pick<DanmakuError, "code" | "message" | "retryAfterMs">;
}

/**
 * Opens an event stream. Read by `fetch`, since `EventSource` can send no token. One POST is on its way at a time, with
 * all that was sent meanwhile in the next one, so danmaku keep their order.
 * @param room address of the room, `https://…/v1/rooms/1001`.
 * @param start query of the stream: who, and where to go on.
 * @param who query of the POSTs.
 */
export function openEventStream(
  room: string,
  start: URLSearchParams,
  who: URLSearchParams,
  token: string | undefined,
  { onHeard, onRecords, onClosed }: LinkHandlers,
): Link {
  const abort = new AbortController();
  const { signal } = abort;
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const queue: PublishRecord[] = [];
  let posting = false;

  const end = (code: number, reason: string): void => {
    if (signal.aborted) return;
    abort.abort();
    onClosed(code, reason);
  };
  const lose = (error: unknown): void => end(NO_CLOSE_FRAME, messageOf(error));
  const refuse = ({ code, message, retryAfterMs }: DanmakuError): void =>
    end(
      closeCodeOf(code) ?? NO_CLOSE_FRAME,
      retryAfterMs === undefined ? message : JSON.stringify({ retryAfterMs }),
    );

  async function read(): Promise<void> {
    const response = await fetch(`${room}/events?${start}`, { headers, signal });
    if (!response.ok || response.body === null) return refuse(await refusalOf(response));
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    for (let text = ""; ; ) {
      const { done, value } = await reader.read();
      if (signal.aborted) return;
      if (done) return end(NO_CLOSE_FRAME, "the stream ended");
      onHeard();
      text += decoder.decode(value, { stream: true });
      const events = text.split(/\r?\n\r?\n/);
      text = events.pop() ?? "";
      if (text.length > EVENT_CHARS_MAX) throw new RangeError("endless event");
      take(events);
    }
  }

  function take(events: readonly string[]): void {
    const records: unknown[] = [];
    let close: { readonly code: number; readonly reason: string } | undefined;
    for (const event of events) {
      const lines = event.match(/^data:.*/gm);
      if (lines === null) continue; // a comment
      const value = JSON.parse(lines.map((line) => line.slice(5)).join(""));
      if (/^event: ?close/m.test(event)) close = value;
      else records.push(value);
    }
    if (records.length > 0) onRecords(asRecords(records));
    if (close !== undefined) end(close.code, close.reason);
  }

  async function post(): Promise<void> {
    posting = true;
    while (queue.length > 0) {
      const batch = queue.splice(0, POST_RECORDS_MAX);
      const answers = await publish(batch);
      if (signal.aborted) return;
      onRecords(answers);
    }
    posting = false;
  }

  async function publish(batch: readonly PublishRecord[]): Promise<readonly ServerRecord[]> {
    const response = await fetch(`${room}/danmaku?${who}`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(batch.map(({ type, id, ...draft }) => draft)),
      signal,
    });
    let error: DanmakuError | undefined;
    let results: readonly Outcome[] = [];
    if (response.ok) ({ results } = (await response.json()) as { readonly results: readonly Outcome[] });
    else error = await refusalOf(response);
    // A token that has run out is the connection's matter: it gets a new one, and what waits is sent again.
    if (error?.code === "unauthorized") refuse(error);
    return batch.map(({ id }, index) => {
      const { offset = 0, error: refusal = error } = results[index] ?? {};
      return refusal === undefined
        ? { type: "ack", id, offset }
        : { type: "error", id, ...refusal, message: refusal.message };
    });
  }

  read().catch(lose);
  return {
    answersWithinMs: STREAM_SILENCE_MS_MAX,
    send(record) {
      if (record.type === "ping") return;
      queue.push(record);
      if (!posting) post().catch(lose);
    },
    close: () => abort.abort(),
  };
}

/** A problem document as an error; whatever else a proxy answers is `unavailable`. */
async function refusalOf(response: Response): Promise<DanmakuError> {
  const { code, detail, retryAfterMs } = await response.json().catch(() => ({}));
  const seconds = Number(response.headers.get("retry-after"));
  return new DanmakuError(
    isErrorCode(code) ? code : "unavailable",
    detail ?? `HTTP status ${response.status}`,
    { retryAfterMs: retryAfterMs ?? (seconds > 0 ? seconds * 1000 : undefined) },
  );
}
