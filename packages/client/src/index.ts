/** The SDK of danmakud: rooms that stay connected, resume without holes and send without doubles. */
export type {
  DanmakuRecord,
  DeleteRecord,
  ErrorCode,
  GapRecord,
  HelloRecord,
  StatsRecord,
} from "@danmakud/wire";
export { DanmakuError } from "@danmakud/wire";
export { DanmakuClient } from "./client.ts";
export type { Room } from "./room.ts";
export type {
  ClientOptions,
  Message,
  RoomEvents,
  RoomOptions,
  RoomPosition,
  RoomState,
  Sent,
  StateChange,
  WebSocketConstructor,
} from "./types.ts";
