import type { RoomLogReader } from "@danmakud/core/ports";

/** What `openReader` needs. */
export interface ReaderOptions {
  readonly dir: string;
}

/** Stub. */
export function openReader(options: ReaderOptions): RoomLogReader {
  throw new Error(`not yet: ${options.dir}`);
}
