/** From a draft to a record in the ingress ring: roles, limits, encoding. */
import { DanmakuError, type Draft, danmakuStride, encodeDanmaku, utf8Length } from "@danmakud/wire";
import {
  checkPublish,
  isExemptFromLimits,
  publishClass,
  publishName,
  publishUid,
  SlidingWindow,
} from "../policy/index.ts";
import { ENVELOPE_BYTES, IngressKind, padded } from "./envelope-descriptor.ts";
import type { GatewayContext } from "./gateway-context.ts";
import type { Principal } from "./hub.ts";
import { METRICS } from "./metrics.ts";
import { PendingPublishes, type Publisher } from "./pending-publishes.ts";
import type { WatchedRoom } from "./watched-room.ts";

const encoder = new TextEncoder();

export class Publishing {
  readonly pending = new PendingPublishes();
  readonly #context: GatewayContext;
  readonly #users = new SlidingWindow();

  constructor(context: GatewayContext) {
    this.#context = context;
  }

  /**
   * Puts a draft into the ring, to be seen at the next `commit`. Returns the refusal, or undefined; then the answer goes
   * to `publisher`.
   * @hot bench/ingest.ts
   */
  submit(
    room: WatchedRoom,
    who: Principal,
    draft: Draft,
    publisher: Publisher,
    token: number,
    id: number,
  ): DanmakuError | undefined {
    const refusal = this.#refusal(who, draft) ?? this.#put(room, who, draft, publisher, token, id);
    this.#context.counters.add(refusal === undefined ? METRICS.publishes : METRICS.refusals, 1);
    return refusal;
  }

  /** Shows the sequencer what was submitted. */
  commit(): void {
    this.#context.ingress.commit();
    this.#context.wakeSequencer();
  }

  #refusal(who: Principal, draft: Draft): DanmakuError | undefined {
    if (this.#context.isJournalFailing()) {
      return new DanmakuError("unavailable", "the log cannot be written at present", { retryAfterMs: 1000 });
    }
    const refusal = checkPublish(who, draft);
    if (refusal !== undefined || !this.#context.limits || isExemptFromLimits(who.role)) return refusal;
    const retryAfterMs = this.#users.take(who.uid, this.#context.clock.monotonic());
    return retryAfterMs === 0
      ? undefined
      : new DanmakuError("rate_limited", "too many messages", { retryAfterMs });
  }

  #put(
    room: WatchedRoom,
    who: Principal,
    draft: Draft,
    publisher: Publisher,
    token: number,
    id: number,
  ): DanmakuError | undefined {
    const { ingress, incarnation, clock } = this.#context;
    const { content, mode, color, size, key, attrs } = draft;
    const name = publishName(who, draft);
    const fields = {
      uid: publishUid(who, draft),
      content,
      mode,
      color,
      size,
      class: publishClass(who, draft),
      ...(name === undefined ? undefined : { name }),
      ...(attrs === undefined ? undefined : { attrs }),
    };
    const keyBytes = key === undefined ? 0 : utf8Length(key);
    const at = this.pending.isFull
      ? -1
      : ingress.claim(ENVELOPE_BYTES + padded(keyBytes) + danmakuStride(fields));
    if (at < 0) return new DanmakuError("overloaded", "too many publishes at once", { retryAfterMs: 200 });
    const word = at >> 2;
    ingress.words[word] = IngressKind.publish | (incarnation << 8) | (keyBytes << 16);
    ingress.words[word + 1] = this.pending.ticket;
    ingress.words[word + 2] = room.number;
    if (key !== undefined) ingress.bytes.set(encoder.encode(key), at + ENVELOPE_BYTES);
    encodeDanmaku(ingress.bytes, at + ENVELOPE_BYTES + padded(keyBytes), fields);
    this.pending.add(publisher, token, id, room, clock.monotonic());
    return undefined;
  }
}
