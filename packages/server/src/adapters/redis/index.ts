export {
  type ConnectOptions,
  connectBlocking,
  connectRedis,
  type RedisConnection,
  reconnectDelayMs,
} from "./connect.ts";
export { entriesOf, type StreamEntry, streamsOf, streamWithoutGroup } from "./dispatch-replies.ts";
export { DispatchField } from "./dispatch-scripts.ts";
export {
  type Acked,
  type Attached,
  type Claimed,
  DispatchStore,
  type DispatchStoreOptions,
  type ReadReply,
  type RoomAck,
  type ServedRoom,
} from "./dispatch-store.ts";
export * from "./keys.ts";
export { describeAddress, parseRedisUrl, type RedisAddress } from "./redis-url.ts";
