export * from "./environment.ts";
export * from "./room-log.ts";
export * from "./sanctions.ts";
export * from "./shared-log.ts";
export * from "./shared-sanctions.ts";
export * from "./timers.ts";
