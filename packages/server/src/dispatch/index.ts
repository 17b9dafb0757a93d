/** What a module with a sink of its own imports. */
export * from "./sink.ts";
