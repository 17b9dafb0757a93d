import { expect, test } from "bun:test";
import { COLLECT_ALL_BYTES, COLLECT_ALL_KEPT_MAX, COLLECT_ENTRIES } from "./limits.ts";
import { QuietCollector } from "./quiet-collector.ts";

/** A heap that keeps what it is told to, and notes how it was collected. */
function heap(keptBytes: number) {
  const state = { keptBytes, afterAllBytes: keptBytes, calls: [] as string[] };
  const collector = new QuietCollector({
    young: () => {
      state.calls.push("young");
      return state.keptBytes;
    },
    all: () => {
      state.calls.push("all");
      state.keptBytes = state.afterAllBytes;
      return state.keptBytes;
    },
  });
  const step = (): void => {
    collector.note(COLLECT_ENTRIES);
    collector.rest();
  };
  return { state, collector, step };
}

test("collects when enough entries are done with and it may rest, once for them", () => {
  const { state, collector } = heap(1);
  collector.note(COLLECT_ENTRIES - 1);
  collector.rest();
  expect(state.calls).toEqual([]);
  collector.note(1);
  expect(state.calls).toEqual([]);
  collector.rest();
  collector.rest();
  expect(state.calls).toEqual(["young"]);
});

test("collects everything when much has outlived the collections of the young", () => {
  const { state, step } = heap(1_000);
  step();
  state.keptBytes = 1_000 + COLLECT_ALL_BYTES - 1;
  step();
  expect(state.calls).toEqual(["young", "young"]);
  state.keptBytes++;
  step();
  step();
  expect(state.calls).toEqual(["young", "young", "young", "all", "young"]);
});

test("leaves a large heap to the runtime, which collects it while others work", () => {
  const { state, step } = heap(COLLECT_ALL_KEPT_MAX + 1);
  step();
  state.keptBytes += 2 * COLLECT_ALL_BYTES;
  step();
  expect(state.calls).toEqual(["young", "young"]);
});
