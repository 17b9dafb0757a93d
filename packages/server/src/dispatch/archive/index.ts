export { ArchiveSink } from "./archive-sink.ts";
export * from "./limits.ts";
