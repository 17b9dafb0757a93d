/** Memory that threads share: rings, signals, heartbeats, counters. Plain `SharedArrayBuffer`s, made once at start. */
export {
  BroadcastConsumer,
  BroadcastProducer,
  createBroadcastRing,
  detachConsumer,
} from "./broadcast-ring.ts";
export { type HeartbeatLimits, HeartbeatMonitor } from "./heartbeat-monitor.ts";
export { createHeartbeats, HEARTBEAT_STATE, type HeartbeatState, Heartbeats } from "./heartbeats.ts";
export { createIngressRing, IngressConsumer, IngressProducer } from "./ingress-ring.ts";
export { HEARTBEAT_TICK_MS_MAX } from "./limits.ts";
export type { RingConsumer } from "./ring-consumer.ts";
export type { RingProducer } from "./ring-producer.ts";
export { type RingConsumerState, type RingState, ringState } from "./ring-state.ts";
export { createCounters, SharedCounters } from "./shared-counters.ts";
export { createSignals, Signal } from "./signal.ts";
