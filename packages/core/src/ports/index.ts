export * from "./environment.ts";
export * from "./room-log.ts";
export * from "./shared-log.ts";
export * from "./timers.ts";
