/** From a draft to a record in the ingress ring: roles, limits, encoding. */
import {
  CLASSES,
  DanmakuError,
  type Draft,
  danmakuStride,
  encodeDanmaku,
  publishKeyBytes,
  publishKeyStart,
  transcodedStride,
  transcodePublish,
  utf8Length,
} from "@danmakud/wire";
import {
  checkAnnounce,
  checkPublish,
  isExemptFromLimits,
  maySchedule,
  publishClass,
  publishName,
  publishUid,
  SlidingWindow,
  UserTallies,
} from "../policy/index.ts";
import type { Sanction } from "../ports/index.ts";
import {
  ENVELOPE_BYTES,
  EXEMPT,
  high32,
  IngressKind,
  low32,
  padded,
  SCHEDULE_AT_WORDS,
} from "./envelope-descriptor.ts";
import type { GatewayContext } from "./gateway-context.ts";
import type { Principal, Role } from "./hub.ts";
import { RETRY_AFTER_MS, ROOM_LIMITS } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import { PendingPublishes, type Publisher } from "./pending-publishes.ts";
import { putSanction, sanctionEntryBytes } from "./sanction-entry.ts";
import type { SanctionGate } from "./sanction-gate.ts";
import type { SettingsPatch } from "./settings.ts";
import type { WatchedRoom } from "./watched-room.ts";

const encoder = new TextEncoder();

/** Of one entry of the ring, which the sequencer's thread copies in one go. */
const TALLY_BYTES_MAX = 16 * 1024;

export class Publishing {
  readonly pending = new PendingPublishes();
  /** Set when the node is going down. */
  isClosed = false;
  readonly #context: GatewayContext;
  readonly #gate: SanctionGate;
  readonly #users = new SlidingWindow();
  /** What other nodes are to be told of; undefined where there are none, or nothing is limited. */
  readonly #tallies: UserTallies | undefined;
  #untold = 0;

  constructor(context: GatewayContext, gate: SanctionGate) {
    this.#context = context;
    this.#gate = gate;
    this.#tallies = context.isLogShared && context.limits ? new UserTallies() : undefined;
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
    const refusal = this.#refusal(room, who, draft) ?? this.#put(room, who, draft, publisher, token, id);
    this.#context.counters.add(refusal === undefined ? METRICS.publishes : METRICS.refusals, 1);
    return refusal;
  }

  /**
   * The same for a publish that `isPlainPublish` has passed, from a principal without a display name: its record at `at`
   * of `frame` becomes the danmaku's without a detour.
   * @hot bench/ingest.ts
   */
  submitPlain(
    room: WatchedRoom,
    who: Principal,
    sender: PlainSender,
    frame: Uint8Array,
    at: number,
    publisher: Publisher,
    token: number,
    id: number,
  ): DanmakuError | undefined {
    const refusal =
      this.#unavailable() ??
      this.#gate.publish(room, who, undefined) ??
      this.#overLimit(who) ??
      this.#putPlain(room, sender, frame, at, publisher, token, id);
    this.#context.counters.add(refusal === undefined ? METRICS.publishes : METRICS.refusals, 1);
    return refusal;
  }

  /** Puts a change of settings by one who may into the ring, likewise; to `publisher` go the settings, then head and ts of the room. */
  configure(
    room: WatchedRoom,
    who: Principal,
    patch: SettingsPatch,
    publisher: Publisher,
  ): DanmakuError | undefined {
    return this.#callRefusal(room, who) ?? this.#putSettings(room, patch, publisher);
  }

  /** As `submit`, for an announcement: of class `system`, by moderators too. */
  announce(room: WatchedRoom, who: Principal, draft: Draft, publisher: Publisher): DanmakuError | undefined {
    const refusal =
      this.#unavailable() ??
      checkAnnounce(who) ??
      checkPublish(who, { ...draft, class: 0 }) ??
      this.#gate.publish(room, who, draft.uid) ??
      this.#overLimit(who) ??
      this.#put(room, who, { ...draft, class: CLASSES.indexOf("system") }, publisher, 0, 0);
    this.#context.counters.add(refusal === undefined ? METRICS.publishes : METRICS.refusals, 1);
    return refusal;
  }

  /** Asks for a scheduled danmaku to be taken back. To `publisher` goes that it was, or `not_found`. */
  unschedule(
    room: WatchedRoom,
    who: Principal,
    number: number,
    publisher: Publisher,
  ): DanmakuError | undefined {
    return this.#callRefusal(room, who) ?? this.#putUnschedule(room, number, publisher);
  }

  /** Puts a mute or ban by one who may into the ring, likewise. The room need not be open. */
  sanction(who: Principal, sanction: Sanction, publisher: Publisher): DanmakuError | undefined {
    return this.#unavailable() ?? this.#overLimit(who) ?? this.#putSanction(sanction, publisher);
  }

  /** Shows the sequencer what was submitted. */
  commit(): void {
    this.#context.ingress.commit();
    this.#context.wakeSequencer();
  }

  /** Has other nodes told of what users have published here. Call a few times per second. */
  tellOfUsers(): void {
    const { ingress, incarnation, counters } = this.#context;
    const tallies = this.#tallies;
    if (tallies === undefined || tallies.size === 0) return;
    while (tallies.size > 0) {
      const bytes = tallies.measure(TALLY_BYTES_MAX);
      const at = ingress.claim(ENVELOPE_BYTES + padded(bytes));
      // A full ring is told the next time.
      if (at < 0) break;
      ingress.words[at >> 2] = IngressKind.users | (incarnation << 8) | (bytes << 16);
      tallies.take(ingress.bytes, at + ENVELOPE_BYTES, bytes);
    }
    counters.add(METRICS.usersUntold, tallies.untold - this.#untold);
    this.#untold = tallies.untold;
    this.commit();
  }

  #refusal(room: WatchedRoom, who: Principal, draft: Draft): DanmakuError | undefined {
    return (
      this.#unavailable() ??
      checkPublish(who, draft) ??
      this.#gate.publish(room, who, draft.uid) ??
      this.#overLimit(who)
    );
  }

  #callRefusal(room: WatchedRoom, who: Principal): DanmakuError | undefined {
    return this.#unavailable() ?? this.#gate.entry(room, who) ?? this.#overLimit(who);
  }

  #unavailable(): DanmakuError | undefined {
    if (this.isClosed) return unavailable("the node is going down");
    return this.#context.isJournalFailing() ? unavailable("the log cannot be written at present") : undefined;
  }

  #overLimit(who: Principal): DanmakuError | undefined {
    const { limits, users, clock } = this.#context;
    if (!limits || isExemptFromLimits(who.role)) return undefined;
    // What the user sent over other gateways first: only what passes both counts in either.
    const elsewhereMs = users?.look(who.uid, clock.now()) ?? 0;
    const retryAfterMs = elsewhereMs > 0 ? elsewhereMs : this.#users.take(who.uid, clock.monotonic());
    if (retryAfterMs > 0) return new DanmakuError("rate_limited", "too many messages", { retryAfterMs });
    users?.count();
    this.#tallies?.count(who.uid);
    return undefined;
  }

  #putPlain(
    room: WatchedRoom,
    sender: PlainSender,
    frame: Uint8Array,
    at: number,
    publisher: Publisher,
    token: number,
    id: number,
  ): DanmakuError | undefined {
    const { ingress, clock } = this.#context;
    const keyBytes = publishKeyBytes(frame, at);
    const index = this.#claim(room, keyBytes, transcodedStride(frame, at, sender.uid.length), sender.exempt);
    if (index < 0) return overloaded();
    const key = publishKeyStart(at);
    for (let i = 0; i < keyBytes; i++) ingress.bytes[index + ENVELOPE_BYTES + i] = frame[key + i] as number;
    transcodePublish(
      frame,
      at,
      ingress.bytes,
      index + ENVELOPE_BYTES + padded(keyBytes),
      sender.uid,
      sender.class,
    );
    this.pending.add(publisher, token, id, room, clock.monotonic());
    return undefined;
  }

  #put(
    room: WatchedRoom,
    who: Principal,
    draft: Draft,
    publisher: Publisher,
    token: number,
    id: number,
  ): DanmakuError | undefined {
    const { ingress, clock } = this.#context;
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
    const now = this.#context.clock.now();
    const deliverAt = draft.deliverAt ?? now + (draft.delayMs ?? 0);
    if (deliverAt - now > ROOM_LIMITS.scheduleAheadMsMax) {
      return new DanmakuError("invalid_message", "a danmaku is scheduled for a year ahead at most");
    }
    // A shared log goes by its own clock, and says where a time has come already.
    const waits = this.#context.isLogShared
      ? draft.deliverAt !== undefined || deliverAt > now
      : deliverAt > now;
    const keyBytes = key === undefined ? 0 : utf8Length(key);
    const kind = waits ? IngressKind.schedule : IngressKind.publish;
    const timeBytes = waits ? SCHEDULE_AT_WORDS * 4 : 0;
    const at = this.#claim(room, keyBytes, timeBytes + danmakuStride(fields), exemptionOf(who.role), kind);
    if (at < 0) return overloaded();
    const payload = at + ENVELOPE_BYTES + timeBytes;
    if (waits) {
      const word = (at + ENVELOPE_BYTES) >> 2;
      ingress.words[word] = low32(deliverAt);
      ingress.words[word + 1] = high32(deliverAt);
    }
    if (key !== undefined) ingress.bytes.set(encoder.encode(key), payload);
    encodeDanmaku(ingress.bytes, payload + padded(keyBytes), fields);
    this.pending.add(publisher, token, id, room, clock.monotonic());
    return undefined;
  }

  #putSettings(room: WatchedRoom, patch: SettingsPatch, publisher: Publisher): DanmakuError | undefined {
    const { ingress, clock } = this.#context;
    const text = encoder.encode(JSON.stringify(patch));
    const at = this.#claim(room, text.length, 0, 0, IngressKind.settings);
    if (at < 0) return overloaded();
    ingress.bytes.set(text, at + ENVELOPE_BYTES);
    this.pending.add(publisher, 0, 0, room, clock.monotonic());
    return undefined;
  }

  #putUnschedule(room: WatchedRoom, number: number, publisher: Publisher): DanmakuError | undefined {
    const { clock } = this.#context;
    const at = this.#claim(room, 0, 0, number, IngressKind.unschedule);
    if (at < 0) return overloaded();
    this.pending.add(publisher, 0, 0, room, clock.monotonic());
    return undefined;
  }

  #putSanction(sanction: Sanction, publisher: Publisher): DanmakuError | undefined {
    const { ingress, clock } = this.#context;
    const at = this.#claim(
      NO_ROOM,
      0,
      sanctionEntryBytes(sanction) - ENVELOPE_BYTES,
      0,
      IngressKind.sanction,
    );
    if (at < 0) return overloaded();
    putSanction(ingress, at, sanction);
    this.pending.add(publisher, 0, 0, NO_ROOM, clock.monotonic());
    return undefined;
  }

  /** Takes room for an entry and writes its envelope; −1 where there is none. */
  #claim(
    room: Pick<WatchedRoom, "number">,
    keyBytes: number,
    recordBytes: number,
    fourth: number,
    kind: number = IngressKind.publish,
  ): number {
    if (this.pending.isFull) return -1;
    const { ingress, incarnation } = this.#context;
    const at = ingress.claim(ENVELOPE_BYTES + padded(keyBytes) + recordBytes);
    if (at < 0) return -1;
    const word = at >> 2;
    ingress.words[word] = kind | (incarnation << 8) | (keyBytes << 16);
    ingress.words[word + 1] = this.pending.ticket;
    ingress.words[word + 2] = room.number;
    ingress.words[word + 3] = fourth;
    return at;
  }
}

/** In place of the room for what does not ask for an open one. */
const NO_ROOM = { number: 0, inFlight: 0, usedAt: 0 };

/** What the short way needs to know of a sender. */
export interface PlainSender {
  readonly uid: Uint8Array;
  /** Position in `CLASSES`. */
  readonly class: number;
  /** `EXEMPT`, or 0 for those whom slow mode binds. */
  readonly exempt: number;
}

/** Whether slow mode binds a role, as the ring says it: `EXEMPT` or 0. */
export function exemptionOf(role: Role): number {
  return maySchedule(role) ? EXEMPT : 0;
}

function unavailable(message: string): DanmakuError {
  return new DanmakuError("unavailable", message, { retryAfterMs: RETRY_AFTER_MS.unavailable });
}

function overloaded(): DanmakuError {
  return new DanmakuError("overloaded", "too many publishes at once", { retryAfterMs: RETRY_AFTER_MS.full });
}
