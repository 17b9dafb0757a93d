/** The list of all rooms, page by page: what a page costs depends on its length alone, not on how many rooms there are. */
import type { RoomLogReader } from "../ports/index.ts";
import { ROOM_LIMITS } from "./limits.ts";
import type { SequencedRoom } from "./sequenced-room.ts";
import { type RoomSettings, settingsFromText } from "./settings.ts";
import { SortedNames } from "./sorted-names.ts";

/** A room as the control side lists it. */
export interface ListedRoom {
  readonly room: string;
  readonly epoch: string;
  readonly head: number;
  readonly online: number;
  readonly rate: number;
  /** Of those, left out of what viewers see. */
  readonly sampledRate: number;
  readonly settings: RoomSettings;
}

export class RoomList {
  readonly #log: RoomLogReader;
  /** Open rooms that the log does not know; the others are in its own index. */
  readonly #unstored = new SortedNames();

  constructor(log: RoomLogReader) {
    this.#log = log;
  }

  /** A room was opened that the log does not know. */
  opened(name: string): void {
    this.#unstored.add(name);
  }

  /** The log knows it now. */
  stored(name: string): void {
    this.#unstored.delete(name);
  }

  /** It was let go of without ever having been stored. */
  closed(name: string): void {
    this.#unstored.delete(name);
  }

  /** The first `limit` rooms after `after`, fewer only where there are no more. */
  page(
    after: string,
    limit: number,
    now: number,
    open: ReadonlyMap<string, SequencedRoom>,
    isForgotten: (name: string) => boolean,
  ): ListedRoom[] {
    const listed: ListedRoom[] = [];
    const namesMax = Math.max(limit, ROOM_LIMITS.listNamesMin);
    let last = after;
    for (;;) {
      const names = this.#namesAfter(last, namesMax);
      for (const name of names) {
        const room = open.get(name);
        if (room !== undefined) listed.push(describe(room, now));
        else if (!isForgotten(name)) listed.push(...this.#stored(name));
        if (listed.length === limit) return listed;
      }
      if (names.length < namesMax) return listed;
      last = names.at(-1) ?? last;
    }
  }

  #namesAfter(after: string, limit: number): readonly string[] {
    const names = new Set([...this.#log.list(after, limit), ...this.#unstored.after(after, limit)]);
    return [...names].sort().slice(0, limit);
  }

  #stored(name: string): readonly ListedRoom[] {
    const stored = this.#log.room(name);
    if (stored === undefined) return [];
    const { epoch, head } = stored;
    const settings = settingsFromText(this.#log.settings(name));
    return [{ room: name, epoch, head, online: 0, rate: 0, sampledRate: 0, settings }];
  }
}

function describe(room: SequencedRoom, now: number): ListedRoom {
  const { name, epoch, head, online, settings } = room;
  return {
    room: name,
    epoch,
    head,
    online,
    rate: room.rate(now),
    sampledRate: room.sampledRate(now),
    settings,
  };
}
