/** The webhook: entries in batches by POST, signed. Waiting and trying again is the worker's business. */
import { type Sink, type SinkEntry, SinkRejectedError, SinkUnavailableError } from "../sink.ts";
import { judge, retryAfterMs } from "./answer-rules.ts";
import { ANSWER_CHARS_MAX } from "./limits.ts";
import { SIGNATURE_HEADER, signBody, TIMESTAMP_HEADER } from "./signature.ts";

export interface WebhookOptions {
  readonly url: string;
  readonly worker: string;
  /** Absent = calls are not signed. */
  readonly secret?: Uint8Array | undefined;
  readonly timeoutMs: number;
  readonly batchEntriesMax: number;
  readonly now: () => number;
}

export class WebhookSink implements Sink {
  readonly name = "webhook";
  readonly batchEntriesMax: number;
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.batchEntriesMax = options.batchEntriesMax;
  }

  async write(entries: readonly SinkEntry[], stop: AbortSignal): Promise<void> {
    const body = JSON.stringify({ worker: this.#options.worker, entries });
    const answer = await this.#post(body, stop);
    const verdict = judge(answer.status);
    // Read to its end or not at all: an unread body would keep the connection.
    const text = verdict === "taken" ? await discard(answer) : await beginningOf(answer);
    if (verdict === "taken") return;
    const message = `the webhook answered ${answer.status}${text === "" ? "" : `: ${text}`}`;
    if (verdict === "rejected") throw new SinkRejectedError(message);
    if (verdict === "failed") throw new Error(message);
    throw new SinkUnavailableError(message, {
      retryAfterMs: retryAfterMs(answer.headers.get("retry-after"), this.#options.now()),
    });
  }

  async #post(body: string, stop: AbortSignal): Promise<Response> {
    const { url, secret, timeoutMs, now } = this.#options;
    const timestampS = Math.floor(now() / 1000);
    const headers: Record<string, string> = {
      "content-type": "application/json",
      "user-agent": "danmakud",
      [TIMESTAMP_HEADER]: String(timestampS),
    };
    if (secret !== undefined) headers[SIGNATURE_HEADER] = signBody(secret, timestampS, body);
    const signal = AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]);
    try {
      return await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new SinkUnavailableError(`the webhook does not answer: ${reason}`, { cause: error });
    }
  }
}

async function discard(answer: Response): Promise<string> {
  await answer.body?.cancel().catch(() => {});
  return "";
}

/** The first characters of an answer, on one line, for the log; what follows is not read. */
async function beginningOf(answer: Response): Promise<string> {
  const reader = answer.body?.getReader();
  if (reader === undefined) return "";
  try {
    const { value } = await reader.read();
    const text = new TextDecoder().decode(value?.subarray(0, ANSWER_CHARS_MAX * 4));
    return text
      .replaceAll(/[\s\p{Cc}]+/gu, " ")
      .trim()
      .slice(0, ANSWER_CHARS_MAX);
  } catch {
    return "";
  } finally {
    await reader.cancel().catch(() => {});
  }
}
