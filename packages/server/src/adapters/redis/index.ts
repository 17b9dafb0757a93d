export {
  type ConnectOptions,
  connectBlocking,
  connectRedis,
  type RedisConnection,
  reconnectDelayMs,
} from "./connect.ts";
export * from "./keys.ts";
export { describeAddress, parseRedisUrl, type RedisAddress } from "./redis-url.ts";
