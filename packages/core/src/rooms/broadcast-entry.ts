/** Reads the current entry of the broadcast ring, where it is not a plain record. */
import type { BroadcastConsumer } from "../memory/index.ts";
import {
  from32,
  REPEAT_OFFSET_HI,
  REPEAT_OFFSET_LO,
  REPEAT_TS_HI,
  REPEAT_TS_LO,
  ROOM_HEAD_HI,
  ROOM_HEAD_LO,
  ROOM_LENGTHS,
  ROOM_ONLINE,
  ROOM_RATE,
  ROOM_WORDS,
} from "./envelope-descriptor.ts";

const decoder = new TextDecoder();

/** The sequencer's word on a room. */
export interface RoomEntry {
  readonly name: string;
  readonly number: number;
  readonly epoch: string;
  readonly head: number;
  readonly online: number;
  /** Danmaku per second. */
  readonly rate: number;
}

/** Name and epoch of a `room` entry. */
export function readRoomNames(ring: BroadcastConsumer): { readonly name: string; readonly epoch: string } {
  const { words, bytes, index } = ring;
  const lengths = words[(index >> 2) + ROOM_LENGTHS] as number;
  const name = index + ROOM_WORDS * 4;
  const epoch = name + (lengths & 0xffff);
  return {
    name: decoder.decode(bytes.slice(name, epoch)),
    epoch: decoder.decode(bytes.slice(epoch, epoch + (lengths >>> 16))),
  };
}

/** A whole `room` entry. */
export function readRoom(ring: BroadcastConsumer): RoomEntry {
  const { words, index } = ring;
  const word = index >> 2;
  return {
    ...readRoomNames(ring),
    number: words[word + 2] as number,
    head: from32(words[word + ROOM_HEAD_LO] as number, words[word + ROOM_HEAD_HI] as number),
    online: words[word + ROOM_ONLINE] as number,
    rate: (words[word + ROOM_RATE] as number) / 1000,
  };
}

/** Offset and ts of a `repeat` entry. */
export function readRepeat(ring: BroadcastConsumer): { readonly offset: number; readonly ts: number } {
  const { words, index } = ring;
  const word = index >> 2;
  return {
    offset: from32(words[word + REPEAT_OFFSET_LO] as number, words[word + REPEAT_OFFSET_HI] as number),
    ts: from32(words[word + REPEAT_TS_LO] as number, words[word + REPEAT_TS_HI] as number),
  };
}
