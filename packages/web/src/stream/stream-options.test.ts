import { expect, test } from "bun:test";
import { readStreamOptions } from "./stream-options.ts";

const read = (query: string) => readStreamOptions(new URLSearchParams(query));

test("an address without options shows the room demo as the overlay does by itself", () => {
  const { options, faults } = read("");
  expect(faults).toEqual([]);
  expect(options).toEqual({
    room: "demo",
    last: 0,
    uid: undefined,
    overlay: { filter: { modes: [], keywords: [], users: [] } },
  });
});

test("options become those of the overlay", () => {
  const { options, faults } = read(
    "room=1001&size=36&opacity=80&speed=150&area=50&max=60&rate=20&merge=5000&stroke=10&overflow=drop&motion=off" +
      "&hide=top,bottom&block=spoiler,剧透&users=bot&last=20&font=Inter",
  );
  expect(faults).toEqual([]);
  expect(options.room).toBe("1001");
  expect(options.last).toBe(20);
  expect(options.overlay).toEqual({
    fontPx: 36,
    opacity: 0.8,
    speed: 1.5,
    area: 0.5,
    maxOnScreen: 60,
    maxPerSecond: 20,
    mergeWindowMs: 5000,
    stroke: 0.1,
    overflow: "drop",
    reducedMotion: "off",
    fontFamily: "Inter, sans-serif",
    filter: { modes: ["top", "bottom"], keywords: ["spoiler", "剧透"], users: ["bot"] },
  });
});

test("every mistake is named, and the rest holds", () => {
  const { options, faults } = read(
    "room=a/b&size=huge&speed=&area=500&overflow=hide&hide=left&colour=red&opacity=50",
  );
  expect(faults.length).toBe(7);
  for (const name of ["room", "size", "speed", "area", "overflow", "hide", "colour"])
    expect(faults.some((fault) => fault.includes(name))).toBe(true);
  expect(options.room).toBe("demo");
  expect(options.overlay.opacity).toBe(0.5);
});
