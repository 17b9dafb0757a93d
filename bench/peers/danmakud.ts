/** danmakud itself: one node with the embedded log. */
import {
  encodeClientRecord,
  type PublishRecord,
  RECORD_TYPES,
  recordStride,
  recordType,
} from "@danmakud/wire";
import { commentOf } from "./comments.ts";
import { countJson, countTlv, isJsonHello, isTlvHello, unpackJson, unpackTlv } from "./danmakud-frames.ts";
import { type NodeSettings, startFreshNode } from "./danmakud-node.ts";
import type { Target } from "./target.ts";

const PUBLISH_BYTES_MAX = 1024;
/** In a room with comments, one in so many carries its time, in place of a comment. */
const MARKED_EVERY = 20;
const NAME = "danmakud";

const scratch = new Uint8Array(64 * 1024);

/** How its viewers and publisher differ. Part of the target's name, so that other processes find them by it. */
export interface Variant {
  /** Name of the room. Default: `bench`. */
  readonly room?: string;
  /** Viewers are spread over so many rooms: `room`-0, `room`-1 … The publisher is in `room`. */
  readonly rooms?: number;
  readonly encoding?: "tlv" | "json";
  readonly compress?: boolean;
  /** `comments`: like those of people; default: 64 bytes with the time. */
  readonly text?: "comments";
}

function withTarget(settings: NodeSettings, latencyTargetMs: number | undefined): NodeSettings {
  if (latencyTargetMs === undefined) return settings;
  const flags = ["--latency-target-ms", String(latencyTargetMs)];
  return { ...settings, flags: [...(settings.flags ?? []), ...flags] };
}

/** A node, and viewers and a publisher of one of its rooms. */
export function danmakudTarget(settings: NodeSettings = {}, variant: Variant = {}): Target {
  const { room = "bench", encoding = "tlv", compress = false } = variant;
  const query = new URLSearchParams(Object.entries(variant).map(([name, value]) => [name, String(value)]));
  const path = (name: string, rest: string): string => `/v1/rooms/${name}/ws?${rest}`;
  const rest = compress ? "&compress=deflate" : "";
  const { rooms } = variant;
  return {
    name: query.size === 0 ? NAME : `${NAME}?${query}`,
    settings: { encoding, durability: settings.durability ?? "fsync" },
    prepare: async () => undefined,
    start: ({ port, latencyTargetMs }) => startFreshNode({ ...withTarget(settings, latencyTargetMs), port }),
    viewer: {
      path: (viewer) =>
        path(rooms === undefined ? room : `${room}-${viewer % rooms}`, `uid=viewer-${viewer}${rest}`),
      subprotocol: `danmaku.${encoding}.v1`,
      isJoined: encoding === "tlv" ? isTlvHello : isJsonHello,
      count: encoding === "tlv" ? countTlv : countJson,
      ...(compress ? { unpack: encoding === "tlv" ? unpackTlv : unpackJson } : {}),
    },
    publisher: {
      kind: "websocket",
      path: path(room, "uid=publisher&role=service"),
      subprotocol: "danmaku.tlv.v1",
      isReady: isTlvHello,
      encode(payloads, first) {
        const messages: Uint8Array[] = [];
        let end = 0;
        payloads.forEach((content, i) => {
          if (end + PUBLISH_BYTES_MAX > scratch.length) {
            messages.push(scratch.slice(0, end));
            end = 0;
          }
          const number = first + i;
          const isComment = variant.text === "comments" && number % MARKED_EVERY !== 0;
          const record: PublishRecord = { type: "publish", id: number, content };
          end = encodeClientRecord(isComment ? { ...record, ...commentOf(number) } : record, scratch, end);
        });
        if (end > 0) messages.push(scratch.slice(0, end));
        return messages;
      },
      answers(message, into) {
        for (let at = 0; at < message.length; at += recordStride(message, at)) {
          const type = recordType(message, at);
          if (type === RECORD_TYPES.ack) into.accepted++;
          else if (type === RECORD_TYPES.error) into.refused++;
        }
      },
    },
  };
}

export const danmakud = danmakudTarget();

/** The variant that a target's name stands for, or undefined where it is none. */
export function variantNamed(name: string): Target | undefined {
  const [system, text] = name.split("?");
  if (system !== NAME || text === undefined) return undefined;
  const query = new URLSearchParams(text);
  const room = query.get("room");
  const rooms = query.get("rooms");
  return danmakudTarget(
    {},
    {
      ...(room === null ? {} : { room }),
      ...(rooms === null ? {} : { rooms: Number(rooms) }),
      ...(query.get("encoding") === "json" ? { encoding: "json" } : {}),
      ...(query.get("compress") === "true" ? { compress: true } : {}),
      ...(query.get("text") === "comments" ? { text: "comments" } : {}),
    },
  );
}
