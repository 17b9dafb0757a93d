/** What viewers send: frames to messages, messages to answers and publishes. */
import {
  CLOSE_CODES,
  type ClientMessage,
  checkClientTlv,
  DanmakuError,
  FRAME_BYTES_MAX,
  isPlainPublish,
  parseClientRecord,
  parseClientText,
  publishId,
  recordStride,
} from "@danmakud/wire";
import { CONNECTION_LIMIT, classDefaultOf, isExemptFromLimits, TokenBuckets } from "../policy/index.ts";
import type { ControlFrames } from "./control-frames.ts";
import { EarlyFrames, frameBytes } from "./early-frames.ts";
import type { GatewayContext } from "./gateway-context.ts";
import type { Principal, ViewerId } from "./hub.ts";
import { type Publisher, refusalOf } from "./pending-publishes.ts";
import { exemptionOf, type PlainSender, type Publishing } from "./publishing.ts";
import { ScheduledAcks } from "./scheduled-acks.ts";
import { TLV, TLV_DEFLATE, ViewerState, type ViewerTable } from "./viewer-table.ts";
import type { WatchedRoom } from "./watched-room.ts";

/** Publisher tokens: a row of the viewer table and its life in one number. */
const ROWS_MAX = 2 ** 24;

export class ViewerMessages {
  readonly #context: GatewayContext;
  readonly #table: ViewerTable;
  readonly #control: ControlFrames;
  readonly #publishing: Publishing;
  readonly #buckets = new TokenBuckets(CONNECTION_LIMIT);
  /** Viewers whose scheduled danmaku are to be acked when they are delivered. */
  readonly scheduledAcks = new ScheduledAcks();
  /** Frames of viewers whose room is not open yet. */
  readonly #early = new EarlyFrames();

  constructor(context: GatewayContext, table: ViewerTable, control: ControlFrames, publishing: Publishing) {
    this.#context = context;
    this.#table = table;
    this.#control = control;
    this.#publishing = publishing;
  }

  /** A new viewer has taken the row. */
  joined(viewer: ViewerId): void {
    this.#buckets.reset(viewer);
  }

  left(viewer: ViewerId): void {
    this.#early.take(viewer);
  }

  /** The viewer's room is open: what it sent before counts now. */
  admitted(viewer: ViewerId): void {
    for (const frame of this.#early.take(viewer)) this.receive(viewer, frame);
  }

  /** One frame. @hot bench/ingest.ts */
  receive(viewer: ViewerId, frame: string | Uint8Array): void {
    const state = this.#table.state[viewer];
    if (state === ViewerState.free) return;
    this.#table.heardAt[viewer] = this.#context.clock.monotonic();
    if (state === ViewerState.opening) {
      this.#keepEarly(viewer, frame);
      return;
    }
    const who = this.#table.principals[viewer];
    const room = this.#table.rooms[viewer];
    if (who === undefined || room === undefined) return;
    const sender: Sender = {
      viewer,
      who,
      room,
      token: (this.#table.serial[viewer] as number) * ROWS_MAX + viewer,
      isLimited: this.#context.limits && !isExemptFromLimits(who.role),
    };
    try {
      this.#checkKind(viewer, frame);
      if (typeof frame === "string") this.#text(sender, frame);
      else this.#binary(sender, frame);
    } catch (error) {
      if (!(error instanceof DanmakuError)) throw error;
      this.#control.error(viewer, error);
    }
    this.#publishing.commit();
    this.#control.flush();
  }

  #keepEarly(viewer: ViewerId, frame: string | Uint8Array): void {
    if (this.#early.keep(viewer, frame)) return;
    this.#table.sinks[viewer]?.close(CLOSE_CODES.rate_limited, "too much before hello");
  }

  #checkKind(viewer: ViewerId, frame: string | Uint8Array): void {
    const encoding = this.#table.encoding[viewer];
    const wantsBinary = encoding === TLV || encoding === TLV_DEFLATE;
    if (frameBytes(frame) > FRAME_BYTES_MAX) {
      throw new DanmakuError("too_large", `a frame holds at most ${FRAME_BYTES_MAX} bytes`);
    }
    if ((typeof frame === "string") === wantsBinary) {
      const due = wantsBinary ? "binary frames are due here" : "text frames are due here";
      throw new DanmakuError("invalid_message", due);
    }
  }

  #text(sender: Sender, frame: string): void {
    const messages = parseClientText(frame, sender.who.role, this.#context.contentMax);
    for (const message of messages) this.#message(sender, message);
  }

  /** Plain publishes go the short way, without an object each. @hot bench/ingest.ts */
  #binary(sender: Sender, frame: Uint8Array): void {
    checkClientTlv(frame);
    const { contentMax } = this.#context;
    const { role, name, uid } = sender.who;
    const plain =
      name === undefined
        ? { uid: encoder.encode(uid), class: classDefaultOf(role), exempt: exemptionOf(role) }
        : undefined;
    for (let at = 0; at < frame.length; at += recordStride(frame, at)) {
      if (plain !== undefined && isPlainPublish(frame, at, contentMax)) this.#plain(sender, plain, frame, at);
      else this.#message(sender, parseClientRecord(frame, at, role, contentMax));
    }
  }

  #plain(sender: Sender, plain: PlainSender, frame: Uint8Array, at: number): void {
    const { viewer, room, who, token } = sender;
    const id = publishId(frame, at);
    const refusal =
      this.#tooFast(sender) ??
      this.#publishing.submitPlain(room, who, plain, frame, at, this.#publisher, token, id);
    if (refusal !== undefined) this.#control.error(viewer, refusal, id);
  }

  #message(sender: Sender, message: ClientMessage): void {
    const { viewer, room, who, token } = sender;
    const tooFast = this.#tooFast(sender);
    if (tooFast !== undefined) {
      this.#control.error(viewer, tooFast, message.id);
    } else if (message.kind === "ping") {
      this.#control.pong(viewer, message.id);
    } else if (message.kind === "invalid") {
      this.#control.error(viewer, message.error, message.id);
    } else {
      const refusal = this.#publishing.submit(room, who, message.draft, this.#publisher, token, message.id);
      if (refusal !== undefined) this.#control.error(viewer, refusal, message.id);
    }
  }

  #tooFast({ viewer, isLimited }: Sender): DanmakuError | undefined {
    if (!isLimited) return undefined;
    const retryAfterMs = this.#buckets.take(viewer, 1, this.#context.clock.monotonic());
    if (retryAfterMs === 0) return undefined;
    return new DanmakuError("rate_limited", "too many messages on this connection", { retryAfterMs });
  }

  /** Takes the answers to publishes that came over viewers' connections. */
  readonly #publisher: Publisher = {
    published: (token, id, offset) => {
      const viewer = this.#viewerOf(token);
      if (viewer !== undefined) this.#control.ack(viewer, id, offset);
    },
    waits: (token, id, asked) => this.scheduledAcks.ask(asked, token, id),
    scheduled: (token, id, number, deliverAt) => {
      const viewer = this.#viewerOf(token);
      if (viewer !== undefined) this.#control.scheduled(viewer, id, number, deliverAt);
    },
    refused: (token, id, code, message, retryAfterMs) => {
      const viewer = this.#viewerOf(token);
      if (viewer !== undefined) this.#control.error(viewer, refusalOf(code, message, retryAfterMs), id);
    },
  };

  /** Everything up to the ring position is on disk: acks the scheduled danmaku that were delivered. */
  durable(position: number): void {
    this.scheduledAcks.durable(position, this.#publisher.published as OnDelivered);
  }

  /** A scheduled danmaku was taken back: who waits for its ack waits no longer. */
  unscheduled(number: number): void {
    const asker = this.scheduledAcks.cancelled(number);
    const viewer = asker === undefined ? undefined : this.#viewerOf(asker.token);
    if (asker === undefined || viewer === undefined) return;
    this.#control.error(
      viewer,
      new DanmakuError("not_found", "the scheduled danmaku was taken back"),
      asker.id,
    );
  }

  #viewerOf(token: number): ViewerId | undefined {
    const viewer = token % ROWS_MAX;
    return this.#table.serial[viewer] === Math.floor(token / ROWS_MAX) ? viewer : undefined;
  }
}

type OnDelivered = (token: number, id: number, offset: number) => void;

/** Whose frame is being read. */
interface Sender {
  readonly viewer: ViewerId;
  readonly who: Principal;
  readonly room: WatchedRoom;
  readonly token: number;
  readonly isLimited: boolean;
}

const encoder = new TextEncoder();
