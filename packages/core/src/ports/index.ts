export * from "./room-log.ts";
