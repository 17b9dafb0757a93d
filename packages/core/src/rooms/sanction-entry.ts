/** Mutes and bans in the rings. The layout is that of `envelope-descriptor.ts`, the same in both. */
import { SANCTION_KINDS, type Sanction } from "../ports/index.ts";
import {
  from32,
  high32,
  low32,
  padded,
  SANCTION_LENGTHS,
  SANCTION_SINCE_HI,
  SANCTION_SINCE_LO,
  SANCTION_UNTIL_HI,
  SANCTION_UNTIL_LO,
  SANCTION_WORDS,
} from "./envelope-descriptor.ts";

/** An entry of a ring at `index` bytes. */
interface RingMemory {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes of the entry, envelope included. Names are ASCII. */
export function sanctionEntryBytes({ room, uid, by }: Sanction): number {
  return SANCTION_WORDS * 4 + padded(room.length + uid.length + by.length);
}

/** Writes what follows the envelope. */
export function putSanction({ words, bytes }: RingMemory, index: number, sanction: Sanction): void {
  const { kind, room, uid, by, until, since } = sanction;
  const word = index >> 2;
  const lengths = (room.length << 8) | (uid.length << 16) | (by.length << 24);
  words[word + SANCTION_LENGTHS] = SANCTION_KINDS.indexOf(kind) | lengths;
  words[word + SANCTION_UNTIL_LO] = low32(until);
  words[word + SANCTION_UNTIL_HI] = high32(until);
  words[word + SANCTION_SINCE_LO] = low32(since);
  words[word + SANCTION_SINCE_HI] = high32(since);
  bytes.set(encoder.encode(room + uid + by), index + SANCTION_WORDS * 4);
}

/** Reads it back. */
export function readSanction({ words, bytes }: RingMemory, index: number): Sanction {
  const word = index >> 2;
  const lengths = words[word + SANCTION_LENGTHS] as number;
  const roomEnd = (lengths >>> 8) & 0xff;
  const uidEnd = roomEnd + ((lengths >>> 16) & 0xff);
  const byEnd = uidEnd + (lengths >>> 24);
  const from = index + SANCTION_WORDS * 4;
  const text = decoder.decode(bytes.slice(from, from + byEnd));
  const kind = SANCTION_KINDS[lengths & 0xff];
  if (kind === undefined) throw new Error(`unknown kind of sanction ${lengths & 0xff}`);
  return {
    kind,
    room: text.slice(0, roomEnd),
    uid: text.slice(roomEnd, uidEnd),
    by: text.slice(uidEnd),
    until: from32(words[word + SANCTION_UNTIL_LO] as number, words[word + SANCTION_UNTIL_HI] as number),
    since: from32(words[word + SANCTION_SINCE_LO] as number, words[word + SANCTION_SINCE_HI] as number),
  };
}
