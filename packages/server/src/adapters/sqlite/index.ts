/**
 * The embedded log: a `RoomLog` in one SQLite file of the data folder, for a node without other services.
 *
 * The main thread holds the folder (`lockFolder`), the journal thread writes (`openWriter`), any thread reads
 * (`openReader`), each through its own connection. Everything throws `StoreError` and nothing else for what the world
 * does (full disk, read-only or foreign folder, damaged file).
 */
export { type FolderLock, lockFolder } from "./store-lock.ts";
export { openReader, type ReaderOptions } from "./store-reader.ts";
export { openWriter, type StoreWriter, type WriterOptions } from "./store-writer.ts";
