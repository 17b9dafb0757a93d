/** The one table of what `danmakud serve` can be told: flags, environment variables, keys of a file and help. */
import { availableParallelism } from "node:os";
import { HANDSHAKES_PER_SECOND } from "@danmakud/core/policy";
import type { Durability } from "@danmakud/core/ports";
import { flag, optionalFlag } from "./flags.ts";
import {
  CONTENT_MAX_CEILING,
  HANDSHAKES_PER_SECOND_MAX,
  LATENCY_TARGET_MS_MAX,
  RETAIN_MAX,
  ROOM_LINGER_MS_MAX,
  ROOM_TTL_S_MAX,
  ROOMS_MAX_CEILING,
  THREADS_MAX,
} from "./limits.ts";
import { choice, integer, listenAddress, onOff, origins, port, seconds, url, words } from "./values.ts";

/** Two cores leave one for sequencer, journal and kernel; more gateways than that only take turns. */
const defaultThreads = Math.max(1, Math.min(THREADS_MAX, availableParallelism() - 1));

export const SERVE_FLAGS = {
  config: optionalFlag({
    flag: "config",
    argument: "FILE",
    schema: words(),
    help: "YAML file with any of these settings as keys; flags and environment win over it",
  }),
  host: flag({
    flag: "host",
    argument: "HOST",
    schema: words(),
    fallback: "127.0.0.1",
    help: "address to listen on",
  }),
  port: flag({
    flag: "port",
    argument: "N",
    schema: port(),
    fallback: 8080,
    help: "port for WebSocket and HTTP; 0 = any free one",
  }),
  grpcPort: flag({
    flag: "grpc-port",
    argument: "N",
    schema: port(),
    fallback: 9090,
    help: "port for gRPC; 0 = off",
  }),
  adminListen: flag({
    flag: "admin-listen",
    argument: "HOST:PORT|off",
    schema: listenAddress(),
    fallback: { host: "127.0.0.1", port: 8081 },
    fallbackHelp: "127.0.0.1:8081",
    help: "address of /metrics and /debug",
  }),
  data: flag({
    flag: "data",
    argument: "DIR",
    schema: words(),
    fallback: "./data",
    help: "folder of the embedded log",
  }),
  durability: flag<Durability>({
    flag: "durability",
    argument: "fsync|os|none",
    schema: choice("fsync", "os", "none"),
    fallback: "fsync",
    help: "what an ack survives: loss of power, a crash of danmakud, or no promise",
  }),
  redis: optionalFlag({
    flag: "redis",
    argument: "URL",
    schema: url("redis:", "redis+sentinel:", "redis+cluster:"),
    help: "keep the rooms' logs in Redis",
  }),
  redisWait: flag({
    flag: "redis-wait",
    argument: "N",
    schema: integer(0, 16),
    fallback: 0,
    help: "Redis replicas that must have a danmaku before its ack",
  }),
  threads: flag({
    flag: "threads",
    argument: "N",
    schema: integer(1, THREADS_MAX),
    fallback: defaultThreads,
    fallbackHelp: "cores − 1, at least 1",
    help: "gateway threads",
  }),
  retain: flag({
    flag: "retain",
    argument: "N",
    schema: integer(1, RETAIN_MAX),
    fallback: 10_000,
    help: "danmaku kept per room",
  }),
  roomTtlS: flag({
    flag: "room-ttl",
    argument: "S",
    schema: seconds(ROOM_TTL_S_MAX),
    fallback: 7 * 86_400,
    fallbackHelp: "7d",
    help: "seconds after which an untouched room is forgotten; also 15m, 12h, 7d",
  }),
  roomsMax: flag({
    flag: "rooms-max",
    argument: "N",
    schema: integer(1, ROOMS_MAX_CEILING),
    fallback: 1_000_000,
    help: "rooms kept at most",
  }),
  roomLingerMs: flag({
    flag: "room-linger-ms",
    argument: "N",
    schema: integer(0, ROOM_LINGER_MS_MAX),
    fallback: 60_000,
    help: "milliseconds that an empty room's recent records stay in memory",
  }),
  latencyTargetMs: flag({
    flag: "latency-target-ms",
    argument: "N",
    schema: integer(0, LATENCY_TARGET_MS_MAX),
    fallback: 20,
    help: "milliseconds in which a large room's viewers should all have a danmaku; more saves work",
  }),
  contentMax: flag({
    flag: "content-max",
    argument: "N",
    schema: integer(1, CONTENT_MAX_CEILING),
    fallback: 200,
    help: "code points of a danmaku's content at most",
  }),
  dev: flag({
    flag: "dev",
    schema: onOff(),
    fallback: false,
    help: "no sign-in, this machine only; for development",
  }),
  insecureOpen: flag({
    flag: "insecure-open",
    schema: onOff(),
    fallback: false,
    help: "let --dev listen on other than loopback addresses, for anybody",
  }),
  authSecretFile: optionalFlag({
    flag: "auth-secret-file",
    argument: "FILE",
    schema: words(),
    help: "secret that signs tokens (HS256)",
  }),
  authJwks: optionalFlag({
    flag: "auth-jwks",
    argument: "URL",
    schema: url("https:", "http:"),
    help: "public keys that tokens are checked with",
  }),
  authAudience: optionalFlag({
    flag: "auth-audience",
    argument: "A",
    schema: words(),
    help: "audience that a token must name",
  }),
  allowOrigin: flag<readonly string[]>({
    flag: "allow-origin",
    argument: "ORIGIN",
    schema: origins(),
    fallback: [],
    repeatable: true,
    help: "web origin that may use this node; several by commas or repeated",
  }),
  tlsCert: optionalFlag({
    flag: "tls-cert",
    argument: "FILE",
    schema: words(),
    help: "certificate chain (PEM); reloaded when it changes",
  }),
  tlsKey: optionalFlag({ flag: "tls-key", argument: "FILE", schema: words(), help: "its key (PEM)" }),
  handshakesPerSecond: flag({
    flag: "handshakes-per-second",
    argument: "N",
    schema: integer(1, HANDSHAKES_PER_SECOND_MAX),
    fallback: HANDSHAKES_PER_SECOND,
    help: "connections that each gateway thread lets join per second; more wait their turn",
  }),
  limits: flag({
    flag: "limits",
    argument: "on|off",
    schema: onOff(),
    fallback: true,
    help: "rate limits; off is for benchmarks",
  }),
  demo: optionalFlag({
    flag: "demo",
    argument: "on|off",
    schema: onOff(),
    fallbackHelp: "on with --dev",
    help: "play a bundled recording in room demo while anyone watches",
  }),
} as const;
