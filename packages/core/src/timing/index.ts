/** Time: one wheel per thread holds everything that is to happen later. */
export * from "./limits.ts";
export { type OnDue, ThreadTimers, type TimerKind } from "./thread-timers.ts";
export { TimedCalls } from "./timed-calls.ts";
export { TIMER_BYTES } from "./timer-record.ts";
export { NO_TIMER, type TimerHandle, TimingWheel, type TimingWheelOptions } from "./timing-wheel.ts";
