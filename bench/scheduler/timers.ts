/** What the scenario compares, in one shape: timers of the wheel, and of one plain binary heap. */
import { TimingWheel } from "@danmakud/core/timing";

export type OnFire = (data: number, deadline: number) => void;

export interface Timers {
  readonly size: number;
  /** Bytes of the arrays that hold them; absent where they are objects. */
  readonly arrayBytes?: number;
  insert(deadline: number, data: number): unknown;
  cancel(handle: unknown): void;
  /** Fires what is due at `now`; returns whether there is more at once. */
  advance(now: number): boolean;
  /** When there is something to do next. */
  nextAt(): number;
}

export function wheelTimers(now: number, onFire: OnFire): Timers {
  const wheel = new TimingWheel({ now, onFire: (_kind, data, deadline) => onFire(data, deadline) });
  return {
    get size() {
      return wheel.size;
    },
    get arrayBytes() {
      return wheel.bytes;
    },
    insert: (deadline, data) => wheel.insert(deadline, 0, data),
    cancel: (handle) => void wheel.cancel(handle as number),
    advance: (at) => wheel.advance(at),
    nextAt: () => wheel.nextAt(),
  };
}

interface Entry {
  readonly deadline: number;
  readonly data: number;
  readonly sequence: number;
  /** Place in the heap; −1 when it is out. */
  place: number;
}

/** The textbook's heap of objects, which know their place, so that cancelling need not search. */
export function heapTimers(_now: number, onFire: OnFire): Timers {
  const heap: Entry[] = [];
  let sequence = 0;
  const isBefore = (a: Entry, b: Entry): boolean =>
    a.deadline === b.deadline ? a.sequence < b.sequence : a.deadline < b.deadline;
  const put = (entry: Entry, place: number): void => {
    heap[place] = entry;
    entry.place = place;
  };
  const up = (entry: Entry, from: number): void => {
    let place = from;
    while (place > 0) {
      const parent = heap[(place - 1) >> 1] as Entry;
      if (!isBefore(entry, parent)) break;
      put(parent, place);
      place = (place - 1) >> 1;
    }
    put(entry, place);
  };
  const down = (entry: Entry, from: number): void => {
    let place = from;
    for (let child = 2 * place + 1; child < heap.length; child = 2 * place + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++;
      if (!isBefore(heap[child] as Entry, entry)) break;
      put(heap[child] as Entry, place);
      place = child;
    }
    put(entry, place);
  };
  const remove = (entry: Entry): void => {
    const last = heap.pop() as Entry;
    const { place } = entry;
    entry.place = -1;
    if (last === entry) return;
    if (place > 0 && isBefore(last, heap[(place - 1) >> 1] as Entry)) up(last, place);
    else down(last, place);
  };
  return {
    get size() {
      return heap.length;
    },
    insert: (deadline, data) => {
      const entry: Entry = { deadline, data, sequence: sequence++, place: -1 };
      heap.push(entry);
      up(entry, heap.length - 1);
      return entry;
    },
    cancel: (handle) => {
      const entry = handle as Entry;
      if (entry.place >= 0) remove(entry);
    },
    advance: (now) => {
      while (heap.length > 0 && (heap[0] as Entry).deadline <= now) {
        const entry = heap[0] as Entry;
        remove(entry);
        onFire(entry.data, entry.deadline);
      }
      return false;
    },
    nextAt: () => heap[0]?.deadline ?? Number.POSITIVE_INFINITY,
  };
}
