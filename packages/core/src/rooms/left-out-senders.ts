/**
 * Who may have danmaku of their own among those left out, and how recent: a table of offsets by a hash of the uid. Two
 * users may share a place; then one of them is looked at more closely for nothing. Never is one missed.
 */
export class LeftOutSenders {
  readonly #newest = new Float64Array(PLACES);

  /** A danmaku of this sender was left out. Offsets increase. @hot bench/fanout.ts */
  add(uidHash: number, offset: number): void {
    this.#newest[uidHash & (PLACES - 1)] = offset;
  }

  /** Whether the sender may have one after this offset. @hot bench/fanout.ts */
  mayHaveAfter(uidHash: number, offset: number): boolean {
    return (this.#newest[uidHash & (PLACES - 1)] as number) > offset;
  }
}

/** As many as a window has records: 32 KB, for rooms in which something is left out. */
const PLACES = 4096;

/** FNV-1a (Fowler, Noll, Vo), 32 bits, over the bytes of a uid in a record. @hot */
export function hashUidBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = FNV_BASIS;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] as number), FNV_PRIME);
  return mixed(hash);
}

/** The same of a uid as text; a uid has ASCII characters only. */
export function hashUid(uid: string): number {
  let hash = FNV_BASIS;
  for (let i = 0; i < uid.length; i++) hash = Math.imul(hash ^ uid.charCodeAt(i), FNV_PRIME);
  return mixed(hash);
}

/** Folds the upper bits, which are the better ones, into those that are used. */
function mixed(hash: number): number {
  return (hash ^ (hash >>> 16)) >>> 0;
}

const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
