/** What has to hold of all rooms in the end: for viewers, for publishers, and in the archive. */
import { expect } from "bun:test";
import { waitFor } from "../../../packages/testkit/src/index.ts";
import { type ArchiveLine, readArchive } from "../../integration/dispatch/archive-check.ts";
import { GroupView } from "./group.ts";
import type { House } from "./house.ts";

/** Counted over all rooms. */
export interface Tally {
  acked: number;
  /** Acked, and not in the log. */
  lost: number;
  deliveries: number;
  newEpochs: number;
  /** Deliveries that new epochs cut off. */
  cutOff: number;
}

/** Waits until everybody has everything, viewers and workers; nothing is pending then. */
export async function settleHouses(
  redisUrl: string,
  houses: readonly House[],
  timeoutMs: number,
): Promise<void> {
  for (const house of houses) {
    const last = await house.publisher.publish({ content: "the end", uid: "the-end" });
    await Promise.all(house.viewers.map((viewer) => viewer.reached(last, timeoutMs)));
  }
  await using group = await GroupView.connect(redisUrl);
  for (const { room } of houses) {
    await waitFor(`the group to be through with ${room}`, () => group.isThrough(room).catch(() => false), {
      timeoutMs,
      intervalMs: 100,
    });
  }
  for (const { room } of houses) expect(await group.pending(room)).toBe(0);
}

/** Every viewer has everything once and in one order, and the archive has it too, but for what Redis lost and was announced. */
export function checkHouses(houses: readonly House[], folder: string): Tally {
  const archived = readInOrder(folder);
  const sum: Tally = { acked: 0, lost: 0, deliveries: 0, newEpochs: 0, cutOff: 0 };
  for (const house of houses) {
    expect(house.faults()).toEqual([]);
    const { acked } = house.publisher;
    expect(acked.size).toBe(house.published + 1);
    const kept = archived.get(house.room) ?? new Map<number, ArchiveLine>();
    const lost: number[] = [];
    for (const [offset, content] of acked) {
      const line = kept.get(offset);
      if (line === undefined) lost.push(offset);
      else expect(line.content).toBe(content);
    }
    // What is not there was lost by Redis itself, and everybody was told.
    const unannounced = lost.filter((offset) => !house.wasAnnounced(offset));
    expect({ room: house.room, unannounced }).toEqual({ room: house.room, unannounced: [] });
    expect(house.heldTwice(kept)).toEqual([]);
    const offsets = [...kept.keys()].sort((a, b) => a - b);
    expect(house.missed(offsets)).toEqual([]);
    sum.acked += acked.size;
    sum.lost += lost.length;
    sum.deliveries += house.deliveries;
    sum.newEpochs += house.newEpochs;
    sum.cutOff += house.cutOff(offsets);
  }
  return sum;
}

/** The archive by room and offset. Within a file a room's lines are in order, save for repeats. */
function readInOrder(folder: string): ReadonlyMap<string, ReadonlyMap<number, ArchiveLine>> {
  const rooms = new Map<string, Map<number, ArchiveLine>>();
  for (const [file, lines] of readArchive(folder)) {
    const here = new Map<string, { last: number; readonly seen: Set<number> }>();
    for (const line of lines) {
      const { room, offset } = line;
      const own = here.get(room) ?? { last: 0, seen: new Set() };
      here.set(room, own);
      if (!own.seen.has(offset) && offset <= own.last)
        throw new Error(`${file}: ${offset} of ${room} after ${own.last}`);
      own.last = Math.max(own.last, offset);
      own.seen.add(offset);
      const all = rooms.get(room) ?? new Map<number, ArchiveLine>();
      rooms.set(room, all);
      const known = all.get(offset);
      if (known !== undefined) expect(line).toEqual(known);
      all.set(offset, line);
    }
  }
  return rooms;
}
