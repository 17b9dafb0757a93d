export * from "./environment.ts";
export * from "./room-log.ts";
