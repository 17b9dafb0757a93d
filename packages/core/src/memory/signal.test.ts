import { expect, test } from "bun:test";
import { createSignals, Signal } from "./signal.ts";

test("does not sleep where work came before the last look", () => {
  const signal = new Signal(createSignals(2), 1);
  expect(signal.sleep(() => false)).toBeUndefined();
});

test("a wake-up between raising the flag and sleeping is not lost", () => {
  const signals = createSignals(1);
  const signal = new Signal(signals, 0);
  const slept = signal.sleep(() => {
    new Signal(signals, 0).wake();
    return true;
  });
  expect(slept).toBeUndefined();
});

test("wakes the one thread it is named after", async () => {
  const signals = createSignals(3);
  const first = new Signal(signals, 0);
  const second = new Signal(signals, 1);
  let firstAwake = false;
  const sleeping = first
    .sleep(() => true)
    ?.then(() => {
      firstAwake = true;
    });
  const other = second.sleep(() => true);
  new Signal(signals, 1).wake();
  await other;
  expect(firstAwake).toBe(false);
  new Signal(signals, 0).wake();
  await sleeping;
  expect(firstAwake).toBe(true);
});

test("a wake-up of a thread that is awake leaves nothing behind", () => {
  const signals = createSignals(1);
  const signal = new Signal(signals, 0);
  signal.wake();
  signal.wake();
  const sleeping = signal.sleep(() => true);
  expect(sleeping).toBeInstanceOf(Promise);
  signal.wake();
  return sleeping;
});

test("a second sleep during the first is the first", async () => {
  const signals = createSignals(1);
  const signal = new Signal(signals, 0);
  const sleeping = signal.sleep(() => true);
  expect(signal.sleep(() => true)).toBe(sleeping as Promise<void>);
  expect(signal.sleep(() => false)).toBeUndefined();
  signal.wake();
  await sleeping;
  const again = signal.sleep(() => true);
  expect(again).not.toBe(sleeping);
  signal.wake();
  await again;
});

test("many wakers, one sleeper, thousands of times", async () => {
  const signals = createSignals(1);
  const sleeper = new Signal(signals, 0);
  const wakers = [new Signal(signals, 0), new Signal(signals, 0), new Signal(signals, 0)];
  let work = 0;
  for (let n = 1; n <= 3000; n++) {
    queueMicrotask(() => {
      work++;
      for (const waker of wakers) waker.wake();
    });
    while (work < n) await sleeper.sleep(() => work < n);
  }
  expect(work).toBe(3000);
});
