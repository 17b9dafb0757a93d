/** Reads the current entry of the broadcast ring, where it is not a plain record. */
import type { BroadcastConsumer } from "../memory/index.ts";
import {
  from32,
  REPEAT_OFFSET_HI,
  REPEAT_OFFSET_LO,
  REPEAT_TS_HI,
  REPEAT_TS_LO,
  REPEAT_WORDS,
  ROOM_HEAD_HI,
  ROOM_HEAD_LO,
  ROOM_LENGTHS,
  ROOM_ONLINE,
  ROOM_RATE,
  ROOM_SAMPLED_RATE,
  ROOM_SETTINGS_BYTES,
  ROOM_VISIBLE_HI,
  ROOM_VISIBLE_LO,
  ROOM_WORDS,
  SCHEDULED_ASKED,
  SCHEDULED_AT_HI,
  SCHEDULED_AT_LO,
  SCHEDULED_NUMBER,
} from "./envelope-descriptor.ts";
import { type RoomSettings, settingsFromText } from "./settings.ts";

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
  /** Of those, left out of what viewers see. */
  readonly sampledRate: number;
  readonly settings: RoomSettings;
  /** The last offset that viewers may see; undefined = the gateway finds out where it has to. */
  readonly visibleHead: number | undefined;
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
  const { words, bytes, index } = ring;
  const word = index >> 2;
  const lengths = words[word + ROOM_LENGTHS] as number;
  const visibleHead = from32(
    words[word + ROOM_VISIBLE_LO] as number,
    words[word + ROOM_VISIBLE_HI] as number,
  );
  const text = index + ROOM_WORDS * 4 + (lengths & 0xffff) + (lengths >>> 16);
  return {
    ...readRoomNames(ring),
    number: words[word + 2] as number,
    head: from32(words[word + ROOM_HEAD_LO] as number, words[word + ROOM_HEAD_HI] as number),
    online: words[word + ROOM_ONLINE] as number,
    visibleHead: words[word + ROOM_VISIBLE_HI] === -1 ? undefined : visibleHead,
    rate: (words[word + ROOM_RATE] as number) / 1000,
    sampledRate: (words[word + ROOM_SAMPLED_RATE] as number) / 1000,
    settings: settingsFromText(
      decoder.decode(bytes.slice(text, text + (words[word + ROOM_SETTINGS_BYTES] as number))),
    ),
  };
}

/** The text of a `settings` entry. */
export function readSettingsText(ring: BroadcastConsumer): string {
  const { words, bytes, index } = ring;
  const text = index + REPEAT_WORDS * 4;
  return decoder.decode(bytes.slice(text, text + ((words[index >> 2] as number) >>> 16)));
}

/** Number, delivery time, and what this node knows it by, of a `scheduled` or `scheduledRepeat` entry. */
export function readScheduled(ring: BroadcastConsumer): {
  readonly number: number;
  readonly deliverAt: number;
  readonly asked: number;
} {
  const { words, index } = ring;
  const word = index >> 2;
  return {
    number: words[word + SCHEDULED_NUMBER] as number,
    deliverAt: from32(words[word + SCHEDULED_AT_LO] as number, words[word + SCHEDULED_AT_HI] as number),
    asked: words[word + SCHEDULED_ASKED] as number,
  };
}

/** Offset and ts of a `repeat` entry, head and ts of a `settings` entry. */
export function readRepeat(ring: BroadcastConsumer): { readonly offset: number; readonly ts: number } {
  const { words, index } = ring;
  const word = index >> 2;
  return {
    offset: from32(words[word + REPEAT_OFFSET_LO] as number, words[word + REPEAT_OFFSET_HI] as number),
    ts: from32(words[word + REPEAT_TS_LO] as number, words[word + REPEAT_TS_HI] as number),
  };
}
