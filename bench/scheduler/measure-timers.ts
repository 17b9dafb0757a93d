/** Measures timers that are driven by hand: wheel and heap. */

import { Chance, LatenessCounts, LOAD } from "./load.ts";
import { residentBytes } from "./memory.ts";
import type { OnFire, Timers } from "./timers.ts";

type Create = (now: number, onFire: OnFire) => Timers;

export function measureTimers(create: Create, seconds: number): Record<string, number> {
  // Before anything else has filled the memory.
  const bytes = measureBytes(create);
  measureFlow(create, 0.3);
  measureCancels(create, 0.3);
  return {
    firedPerSecond: measureFlow(create, seconds * 0.2),
    cancelledPerSecond: measureCancels(create, seconds * 0.2),
    ...measureLateness(create, seconds * 0.6),
    ...bytes,
  };
}

function measureBytes(create: Create): Record<string, number> {
  const before = residentBytes();
  const timers = fill(create, new Chance(), 0, () => {});
  const bytesPerTimer = (residentBytes() - before) / timers.size;
  const { arrayBytes } = timers;
  return arrayBytes === undefined
    ? { bytesPerTimer }
    : { bytesPerTimer, arrayBytesPerTimer: arrayBytes / timers.size };
}

function fill(create: Create, chance: Chance, now: number, onFire: OnFire): Timers {
  const timers = create(now, onFire);
  for (let i = 0; i < LOAD.pending; i++) timers.insert(now + 1 + chance.whole(LOAD.pendingMs), i);
  return timers;
}

/** Each timer that fires sets another one; time is simulated, so it is as fast as the timers are. */
function measureFlow(create: Create, seconds: number): number {
  const chance = new Chance();
  const spanMs = Float64Array.from({ length: 65_536 }, () => chance.span(LOAD.flowMsMin, LOAD.flowMsMax));
  let fired = 0;
  const timers = create(0, (data, deadline) => {
    fired++;
    timers.insert(deadline + (spanMs[fired & 65_535] as number), data);
  });
  for (let i = 0; i < LOAD.pendingInFlow; i++) timers.insert(spanMs[i & 65_535] as number, i);
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  for (let now = 1; performance.now() < endsAt; now++) while (timers.advance(now));
  return (fired * 1000) / (performance.now() - startedAt);
}

/** Time-outs of requests that are answered: nine of ten are taken back. Counts pairs of insert and cancel. */
function measureCancels(create: Create, seconds: number): number {
  const chance = new Chance();
  const timers = create(0, () => {});
  const waiting = new Array<unknown>(4096).fill(undefined);
  let cancelled = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  for (let now = 1; performance.now() < endsAt; now++) {
    for (let i = 0; i < 1000; i++) {
      const place = chance.whole(4096);
      const before = waiting[place];
      if (before !== undefined && i % 10 !== 0) {
        timers.cancel(before);
        cancelled++;
      }
      waiting[place] = timers.insert(now + 5000, i);
    }
    while (timers.advance(now));
  }
  return (cancelled * 1000) / (performance.now() - startedAt);
}

/** The mixed load with a million pending, in real time. The thread sleeps when nothing is due, as a server's does. */
function measureLateness(create: Create, seconds: number): Record<string, number> {
  const chance = new Chance();
  let lateness = new LatenessCounts();
  const timers = fill(create, chance, performance.now(), (data, deadline) => {
    const now = performance.now();
    lateness.add(now - deadline);
    // One of the million: keeps them a million.
    if (data >= 0) timers.insert(now + LOAD.pendingMs, data);
  });
  const sleep = new Int32Array(new SharedArrayBuffer(4));
  const recent = new Array<unknown>(8192).fill(undefined);
  let set = 0;
  let slot = 0;
  let advanceMaxMs = 0;
  const startedAt = performance.now();
  const countsFrom = startedAt + WARM_UP_MS;
  const endsAt = countsFrom + seconds * 1000;
  let isWarm = false;
  for (let now = startedAt; now < endsAt; now = performance.now()) {
    if (!isWarm && now >= countsFrom) {
      isWarm = true;
      advanceMaxMs = 0;
      lateness = new LatenessCounts();
    }
    // At most as much at once as would come in 20 ms: a stall is not made longer by what it kept from being set.
    const due = Math.min(((now - startedAt) * LOAD.setPerSecond) / 1000, set + LOAD.setPerSecond / 50);
    for (; set < due; set++) {
      const handle = timers.insert(now + chance.span(LOAD.mixedMsMin, LOAD.mixedMsMax), -1);
      if (chance.whole(10) >= LOAD.takenBackOfTen) continue;
      slot = (slot + 1) & 8191;
      if (recent[slot] !== undefined) timers.cancel(recent[slot]);
      recent[slot] = handle;
    }
    for (;;) {
      const beganAt = performance.now();
      const isMore = timers.advance(beganAt);
      advanceMaxMs = Math.max(advanceMaxMs, performance.now() - beganAt);
      if (!isMore) break;
    }
    const waitMs = Math.min(timers.nextAt() - performance.now(), SLEEP_MS_MAX);
    if (waitMs > 0) Atomics.wait(sleep, 0, 0, waitMs);
  }
  if (lateness.count === 0) throw new Error("no timer has fired");
  return { ...lateness.result(), advanceMaxMs };
}

const WARM_UP_MS = 1000;
/** What sets timers does so every millisecond. */
const SLEEP_MS_MAX = 1;
