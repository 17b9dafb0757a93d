import { expect, test } from "bun:test";
import { MODES, type Mode } from "@danmakud/wire";
import fc from "fast-check";
import { assWriter } from "./ass-write.ts";
import { Lanes } from "./lanes.ts";

const WIDTH = 1920;
const HEIGHT = 1080;
const DURATION_MS = 8000;

const screen = (area = 1): Lanes =>
  new Lanes({ width: WIDTH, height: HEIGHT, durationMs: DURATION_MS, area, overflow: "drop" });

interface Placed {
  readonly atMs: number;
  readonly width: number;
  readonly height: number;
  readonly mode: Mode;
  readonly y: number;
}

const isMoving = (mode: Mode): boolean => mode === "scroll" || mode === "reverse";

/** Left edge of a moving comment at a time. */
function leftAt({ atMs, width, mode }: Placed, timeMs: number): number {
  const way = ((timeMs - atMs) / DURATION_MS) * (WIDTH + width);
  return mode === "scroll" ? WIDTH - way : way - width;
}

/** Whether two comments of the same layer cover each other at some moment. Motion is linear: the ends of the time that both are there tell. */
function collide(a: Placed, b: Placed): boolean {
  if (isMoving(a.mode) !== isMoving(b.mode)) return false;
  const from = Math.max(a.atMs, b.atMs);
  const to = Math.min(a.atMs, b.atMs) + DURATION_MS;
  if (from >= to) return false;
  const top = (placed: Placed): number =>
    placed.mode === "bottom" ? HEIGHT - placed.y - placed.height : placed.y;
  if (top(a) + a.height <= top(b) || top(b) + b.height <= top(a)) return false;
  if (!isMoving(a.mode)) return true;
  const order = [from, to].map((time) => {
    const [left, right] = [leftAt(a, time), leftAt(b, time)];
    if (left + a.width <= right + 1e-6) return -1;
    return right + b.width <= left + 1e-6 ? 1 : 0;
  });
  return order[0] === 0 || order[0] !== order[1];
}

const given = fc
  .array(
    fc.record({
      atMs: fc.nat(30_000),
      width: fc.integer({ min: 10, max: 3000 }),
      height: fc.integer({ min: 10, max: 150 }),
      mode: fc.constantFrom(...MODES),
    }),
    { maxLength: 120 },
  )
  .map((list) => list.sort((a, b) => a.atMs - b.atMs));

test("no comment ever covers another of its layer, whatever their widths, sizes and times", () => {
  fc.assert(
    fc.property(given, (list) => {
      const lanes = screen();
      const placed: Placed[] = [];
      for (const comment of list) {
        const y = lanes.place(comment.atMs, comment.width, comment.height, comment.mode);
        if (y === undefined) continue;
        expect(y + comment.height).toBeLessThanOrEqual(HEIGHT + 1e-6);
        const next = { ...comment, y };
        for (const before of placed)
          if (collide(before, next)) throw new Error(JSON.stringify([before, next]));
        placed.push(next);
      }
    }),
  );
});

test("rows are used again as soon as they are free", () => {
  const lanes = screen();
  expect(lanes.place(0, 200, 50, "scroll")).toBe(0);
  expect(lanes.place(0, 200, 50, "scroll")).toBeGreaterThan(0);
  expect(lanes.place(3000, 200, 50, "scroll")).toBe(0);
  expect(lanes.place(3000, 200, 50, "top")).toBe(0);
  expect(lanes.place(3000, 200, 50, "bottom")).toBe(0);
  expect(lanes.place(20_000, 200, 50, "reverse")).toBe(0);
});

test("where there is no room a comment is left out and counted, or covers others", () => {
  const comment = {
    atMs: 0,
    uid: "u",
    content: "很长的弹幕",
    mode: "scroll",
    color: "#ffffff",
    size: 64,
  } as const;
  const drop = assWriter();
  const shown = Array.from({ length: 50 }, () => drop.comment(comment)).filter((text) => text !== "");
  expect(shown.length).toBeGreaterThan(3);
  expect(shown.length + drop.leftOut).toBe(50);
  const overlap = assWriter({ overflow: "overlap" });
  expect(Array.from({ length: 50 }, () => overlap.comment(comment)).every((text) => text !== "")).toBe(true);
  expect(overlap.leftOut).toBe(0);
});

test("half the area leaves the lower half free", () => {
  const lanes = screen(0.5);
  const ys = Array.from({ length: 50 }, () => lanes.place(0, 200, 50, "scroll")).filter(
    (y) => y !== undefined,
  );
  expect(Math.max(...ys) + 50).toBeLessThanOrEqual(HEIGHT / 2);
});
