/** The SDK of danmakud: rooms that stay connected, resume without holes and send without doubles. */
export type {
  Attrs,
  DanmakuClass,
  DanmakuRecord,
  DeleteRecord,
  ErrorCode,
  GapReason,
  GapRecord,
  HelloRecord,
  Message,
  Mode,
  StatsRecord,
} from "@danmakud/wire";
export { DanmakuError } from "@danmakud/wire";
export { DanmakuClient } from "./client.ts";
export type { Room } from "./room.ts";
export type {
  ClientOptions,
  RoomEvents,
  RoomOptions,
  RoomPosition,
  RoomState,
  Sent,
  StateChange,
  TokenRequest,
  Transport,
  WebSocketConstructor,
} from "./types.ts";
