/** Measures the runtime's own `setTimeout` under the same loads, as far as it can carry them. */
import { Chance, LatenessCounts, LOAD } from "./load.ts";
import { residentBytes } from "./memory.ts";

type Handle = ReturnType<typeof setTimeout>;

export async function measureSetTimeout(seconds: number): Promise<Record<string, number>> {
  const bytesPerTimer = measureBytes();
  await measureFlow(0.3);
  await measureCancels(0.3);
  return {
    firedPerSecond: await measureFlow(seconds * 0.2),
    cancelledPerSecond: await measureCancels(seconds * 0.2),
    ...(await measureLateness(seconds * 0.6)),
    bytesPerTimer,
  };
}

function measureBytes(): number {
  const count = LOAD.pending / 10;
  const before = residentBytes();
  const handles = Array.from({ length: count }, () => setTimeout(() => {}, LOAD.pendingMs));
  // Of the list of handles each place takes 8 bytes; who cancels has to keep them anyhow.
  const bytes = (residentBytes() - before) / count;
  for (const handle of handles) clearTimeout(handle);
  return bytes;
}

/** As many timers of a millisecond as the event loop gets done, each setting the next. */
async function measureFlow(seconds: number): Promise<number> {
  let fired = 0;
  let left = LOAD.pendingInFlow;
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  await new Promise<void>((resolve) => {
    const fire = (): void => {
      fired++;
      if (performance.now() < endsAt) setTimeout(fire, 1);
      else if (--left === 0) resolve();
    };
    for (let i = 0; i < LOAD.pendingInFlow; i++) setTimeout(fire, 1);
  });
  return (fired * 1000) / (performance.now() - startedAt);
}

async function measureCancels(seconds: number): Promise<number> {
  const chance = new Chance();
  const waiting = new Array<Handle | undefined>(4096).fill(undefined);
  let cancelled = 0;
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  while (performance.now() < endsAt) {
    for (let i = 0; i < 1000; i++) {
      const place = chance.whole(4096);
      if (waiting[place] !== undefined) {
        clearTimeout(waiting[place]);
        cancelled++;
      }
      waiting[place] = setTimeout(() => {}, 5000);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const took = performance.now() - startedAt;
  for (const handle of waiting) clearTimeout(handle);
  return (cancelled * 1000) / took;
}

async function measureLateness(seconds: number): Promise<Record<string, number>> {
  const chance = new Chance();
  let lateness = new LatenessCounts();
  let isOver = false;
  const again = (spanMs: number): void => {
    const deadline = performance.now() + spanMs;
    setTimeout(() => {
      if (isOver) return;
      // The runtime counts in whole milliseconds of its own clock, so it may come a little early by this one.
      lateness.add(Math.max(0, performance.now() - deadline));
      again(LOAD.pendingMs);
    }, spanMs);
  };
  for (let i = 0; i < LOAD.pending; i++) again(1 + chance.whole(LOAD.pendingMs));
  const recent = new Array<Handle | undefined>(8192).fill(undefined);
  let set = 0;
  let slot = 0;
  const startedAt = performance.now();
  const countsFrom = startedAt + 1000;
  const endsAt = countsFrom + seconds * 1000;
  let isWarm = false;
  for (let now = startedAt; now < endsAt; now = performance.now()) {
    if (!isWarm && now >= countsFrom) {
      isWarm = true;
      lateness = new LatenessCounts();
    }
    const due = Math.min(((now - startedAt) * LOAD.setPerSecond) / 1000, set + LOAD.setPerSecond / 50);
    for (; set < due; set++) {
      const spanMs = chance.span(LOAD.mixedMsMin, LOAD.mixedMsMax);
      const deadline = performance.now() + spanMs;
      const handle = setTimeout(() => lateness.add(Math.max(0, performance.now() - deadline)), spanMs);
      if (chance.whole(10) >= LOAD.takenBackOfTen) continue;
      slot = (slot + 1) & 8191;
      clearTimeout(recent[slot]);
      recent[slot] = handle;
    }
    await Bun.sleep(1);
  }
  isOver = true;
  if (lateness.count === 0) throw new Error("no timer has fired");
  return { ...lateness.result() };
}
