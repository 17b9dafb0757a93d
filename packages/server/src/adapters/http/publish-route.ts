import { maySpeakForOthers } from "@danmakud/core/policy";
import type { Principal, PublishOutcome } from "@danmakud/core/rooms";
import {
  BATCH_RECORDS_MAX,
  checkKey,
  DanmakuError,
  type Draft,
  KEY_BYTES_MAX,
  parseDraft,
  utf8Length,
} from "@danmakud/wire";
import { readJson } from "./body.ts";
import type { HttpContext } from "./context.ts";
import { jsonResponse } from "./json-response.ts";
import { enterRoom } from "./room-access.ts";
import type { RouteHandler } from "./router.ts";

/** Drafts that follow one another in a body and have the same sender. */
interface Run {
  readonly who: Principal;
  readonly drafts: Draft[];
}

/** `POST /v1/rooms/{room}/danmaku`: one danmaku, or an array of which each is answered by itself. */
export const postDanmaku: RouteHandler = async (context, params) => {
  const { room, who } = await enterRoom(context, params);
  const body = await readJson(context.request, context.limits, context.timers);
  const key = idempotencyKey(context.request.headers);
  return Array.isArray(body)
    ? postMany(context, room, who, body, key)
    : postOne(context, room, who, body, key);
};

async function postOne(
  context: HttpContext,
  room: string,
  who: Principal,
  body: unknown,
  key: string | undefined,
): Promise<Response> {
  const draft = parseDraft(body, "http", context.options.contentMax);
  if (key !== undefined) giveKey(draft, key);
  const [outcome] = await context.hub.publish(room, senderOf(context, who, draft), [draft]);
  if (outcome === undefined) throw new Error("the hub gave no outcome");
  if ("error" in outcome) throw outcome.error;
  return publishedResponse(outcome);
}

/** `201` for a danmaku that is in the log, `202` for one that waits for its time. */
export function publishedResponse(outcome: Exclude<PublishOutcome, { error: DanmakuError }>): Response {
  return jsonResponse(JSON.stringify(resultOf(outcome)), "offset" in outcome ? 201 : 202);
}

async function postMany(
  context: HttpContext,
  room: string,
  who: Principal,
  items: readonly unknown[],
  key: string | undefined,
): Promise<Response> {
  if (items.length > BATCH_RECORDS_MAX) {
    throw new DanmakuError("too_large", `an array has at most ${BATCH_RECORDS_MAX} danmaku`);
  }
  if (key !== undefined) checkKeyOfMany(key);
  const refusals = new Map<number, DanmakuError>();
  const runs: Run[] = [];
  for (const [i, item] of items.entries()) {
    try {
      const draft = parseDraft(item, "http", context.options.contentMax);
      // One header for many danmaku: each gets a key of its own, and the same one when the request is repeated.
      if (key !== undefined && draft.key === undefined) draft.key = `${key}:${i}`;
      addToRuns(runs, senderOf(context, who, draft), draft);
    } catch (error) {
      if (!(error instanceof DanmakuError)) throw error;
      refusals.set(i, error);
    }
  }
  // Handed over in order before the first is waited for, so that the order of the array is that of the room.
  const settled = await Promise.all(runs.map((run) => context.hub.publish(room, run.who, run.drafts)));
  const outcomes = settled.flat();
  let next = 0;
  const results = items.map((_, i) => {
    const refusal = refusals.get(i);
    return resultOf(refusal === undefined ? outcomes[next++] : { error: refusal });
  });
  return jsonResponse(JSON.stringify({ results }));
}

function addToRuns(runs: Run[], who: Principal, draft: Draft): void {
  const open = runs.at(-1);
  if (open !== undefined && open.who.uid === who.uid && open.who.name === who.name) open.drafts.push(draft);
  else runs.push({ who, drafts: [draft] });
}

/**
 * With `--dev` the body may say who sends, as the query may: nobody is signed in. Where the query does say it, a
 * different `uid` in the body is left to the policy.
 */
export function senderOf(context: HttpContext, who: Principal, draft: Draft): Principal {
  if (!context.options.dev || maySpeakForOthers(who.role)) return who;
  const uid = context.url.searchParams.has("uid") ? who.uid : (draft.uid ?? who.uid);
  const name = draft.name ?? who.name;
  if (uid === who.uid && name === who.name) return who;
  return name === undefined ? { ...who, uid } : { ...who, uid, name };
}

function resultOf(outcome: PublishOutcome | undefined): object {
  if (outcome === undefined) throw new Error("the hub gave too few outcomes");
  if ("offset" in outcome) return { offset: outcome.offset, ts: outcome.ts, epoch: outcome.epoch };
  if ("scheduled" in outcome) return { scheduled: outcome.scheduled, deliverAt: outcome.deliverAt };
  const { code, message, retryAfterMs } = outcome.error;
  return { error: { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } };
}

/** The header's key, for one danmaku. @throws DanmakuError `invalid_message`. */
export function idempotencyKey(headers: Headers): string | undefined {
  const key = headers.get("idempotency-key");
  if (key === null) return undefined;
  try {
    return checkKey(key);
  } catch (cause) {
    throw new DanmakuError("invalid_message", "Idempotency-Key must have 1 to 64 bytes", { cause });
  }
}

/** The place in the array is added to the key, `:999` at most. */
function checkKeyOfMany(key: string): void {
  if (utf8Length(key) + 4 <= KEY_BYTES_MAX) return;
  throw new DanmakuError(
    "invalid_message",
    `with an array, Idempotency-Key has at most ${KEY_BYTES_MAX - 4} bytes`,
  );
}

/** Joins the header's key with that of the body. @throws DanmakuError `invalid_message` where they differ. */
export function giveKey(draft: Draft, key: string): void {
  if (draft.key !== undefined && draft.key !== key) {
    throw new DanmakuError("invalid_message", "key and Idempotency-Key differ");
  }
  draft.key = key;
}
