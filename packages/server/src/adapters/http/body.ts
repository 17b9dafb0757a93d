import type { Timers } from "@danmakud/core/ports";
import { DanmakuError } from "@danmakud/wire";
import { HttpFault } from "../../problem.ts";
import type { HttpLimits } from "./limits.ts";

/**
 * Ends the connection with the answer. Only where the rest of a body is not worth taking: most clients send the whole
 * body before they read, and see a broken connection instead of the answer.
 */
const CLOSE = { connection: "close" } as const;

/**
 * Reads the body of a request as JSON. Nothing but `application/json` is looked at, since that is a content type which
 * a foreign page cannot send without asking first.
 * @throws DanmakuError `invalid_message` (no JSON, no UTF-8, cut off), `too_large`; HttpFault 415 and 408.
 */
export async function readJson(request: Request, limits: HttpLimits, timers: Timers): Promise<unknown> {
  checkHeaders(request.headers, limits);
  const bytes = await readBytes(request.body, limits, timers);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DanmakuError("invalid_message", "the body is not UTF-8", { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DanmakuError("invalid_message", "the body is not JSON", { cause });
  }
}

/** The same for a request that may come without a body: then undefined. */
export async function readOptionalJson(
  request: Request,
  limits: HttpLimits,
  timers: Timers,
): Promise<unknown> {
  const { headers } = request;
  const hasBody = headers.has("transfer-encoding") || Number(headers.get("content-length") ?? 0) > 0;
  return hasBody ? await readJson(request, limits, timers) : undefined;
}

/** What is refused here has its body thrown away by the runtime while it comes; the connection can be used again. */
function checkHeaders(headers: Headers, { bodyBytesMax, bodyDiscardBytesMax }: HttpLimits): void {
  const mediaType = (headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") throw unsupported("the body must be application/json");
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding.trim().toLowerCase() !== "identity") throw unsupported("the body must not be compressed");
  const length = Number(headers.get("content-length") ?? 0);
  if (length > bodyBytesMax) throw tooLarge(bodyBytesMax, length > bodyDiscardBytesMax);
}

async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  limits: HttpLimits,
  timers: Timers,
): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const deadline = Promise.withResolvers<"late">();
  const timer = timers.after(limits.bodyDeadlineMs, () => deadline.resolve("late"));
  try {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      const step = await Promise.race([reader.read(), deadline.promise]);
      if (step === "late") throw late();
      if (step.done) {
        if (bytes > limits.bodyBytesMax) throw tooLarge(limits.bodyBytesMax, false);
        return join(chunks, bytes);
      }
      bytes += step.value.length;
      if (bytes > limits.bodyDiscardBytesMax) throw tooLarge(limits.bodyBytesMax, true);
      // Read on where it is too large already, so that the client gets to the answer.
      if (bytes <= limits.bodyBytesMax) chunks.push(step.value);
      else chunks.length = 0;
    }
  } catch (error) {
    reader.cancel().catch(() => {}); // The stream is done for either way; why was said above.
    if (error instanceof DanmakuError) throw error;
    throw new DanmakuError("invalid_message", "the body was cut off", { cause: error });
  } finally {
    timers.cancel(timer);
  }
}

function join(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const joined = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}

function tooLarge(bodyBytesMax: number, closes: boolean): HttpFault {
  return new HttpFault("too_large", `the body is larger than ${bodyBytesMax} bytes`, {
    headers: closes ? CLOSE : {},
  });
}

function unsupported(message: string): HttpFault {
  return new HttpFault("invalid_message", message, { status: 415 });
}

function late(): HttpFault {
  return new HttpFault("invalid_message", "the body did not arrive in time", { status: 408, headers: CLOSE });
}
