import { expect, test } from "bun:test";
import fc from "fast-check";
import { collide, type Flight, flightX, Lanes } from "./lanes.ts";

const STAGE_PX = 1000;
const GAP_PX = 20;

/** A flight of a mode, as the stage makes it. */
function flight(
  mode: "scroll" | "reverse" | "still",
  widthPx: number,
  startMs: number,
  stayMs: number,
): Flight {
  const velocity = (STAGE_PX + widthPx) / stayMs;
  const endMs = startMs + stayMs;
  if (mode === "scroll") return { startMs, endMs, startX: STAGE_PX, velocity: -velocity, widthPx };
  if (mode === "reverse") return { startMs, endMs, startX: -widthPx, velocity, widthPx };
  return { startMs, endMs, startX: (STAGE_PX - widthPx) / 2, velocity: 0, widthPx };
}

const arrivals = fc.array(
  fc.record({
    mode: fc.constantFrom("scroll" as const, "reverse" as const, "still" as const),
    widthPx: fc.integer({ min: 10, max: 1500 }),
    afterMs: fc.integer({ min: 0, max: 1200 }),
    stayMs: fc.integer({ min: 2000, max: 9000 }),
    span: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 2, maxLength: 60 },
);

test("no two comments that were placed ever touch, whatever their modes, widths and speeds", () => {
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 1, max: 8 }), (comments, count) => {
      const lanes = new Lanes(GAP_PX);
      lanes.reset(count);
      let now = 0;
      const placed: { flight: Flight; top: number; bottom: number }[] = [];
      for (const { mode, widthPx, afterMs, stayMs, span } of comments) {
        now += afterMs;
        const candidate = flight(mode, widthPx, now, stayMs);
        const lane = lanes.place(candidate, span, mode === "reverse" ? "from-bottom" : "from-top");
        if (lane < 0) continue;
        expect(lane + span).toBeLessThanOrEqual(count);
        placed.push({ flight: candidate, top: lane, bottom: lane + span });
      }
      for (const [index, a] of placed.entries()) {
        for (const b of placed.slice(index + 1)) {
          if (a.bottom <= b.top || b.bottom <= a.top) continue;
          const from = Math.max(a.flight.startMs, b.flight.startMs);
          const to = Math.min(a.flight.endMs, b.flight.endMs);
          for (let at = from; at < to; at += 50) {
            const left = flightX(a.flight, at);
            const other = flightX(b.flight, at);
            const apart = left + a.flight.widthPx <= other || other + b.flight.widthPx <= left;
            expect(apart).toBe(true);
          }
        }
      }
    }),
  );
});

test("two flights collide exactly if they come closer than the gap while both are on stage", () => {
  const first = flight("scroll", 100, 0, 5000);
  expect(collide(first, flight("scroll", 100, 100, 5000), GAP_PX)).toBe(true);
  expect(collide(first, flight("scroll", 100, 1000, 5000), GAP_PX)).toBe(false);
  // A wider one is faster and would run into the first from behind.
  expect(collide(first, flight("scroll", 1500, 1000, 5000), GAP_PX)).toBe(true);
  expect(collide(first, flight("reverse", 100, 1000, 5000), GAP_PX)).toBe(true);
  expect(collide(first, flight("reverse", 100, 5000, 5000), GAP_PX)).toBe(false);
});

test("a comment goes to the first lane with room, from the end it asks for", () => {
  const lanes = new Lanes(GAP_PX);
  lanes.reset(3);
  expect(lanes.place(flight("still", 200, 0, 1000), 1, "from-top")).toBe(0);
  expect(lanes.place(flight("still", 200, 0, 1000), 1, "from-top")).toBe(1);
  expect(lanes.place(flight("still", 200, 0, 1000), 1, "from-bottom")).toBe(2);
  expect(lanes.place(flight("still", 200, 0, 1000), 1, "from-top")).toBe(-1);
  expect(lanes.place(flight("still", 200, 1000, 1000), 2, "from-bottom")).toBe(1);
});

test("a removed comment leaves its lanes free", () => {
  const lanes = new Lanes(GAP_PX);
  lanes.reset(2);
  const tall = flight("still", 200, 0, 1000);
  expect(lanes.place(tall, 2, "from-top")).toBe(0);
  expect(lanes.place(flight("still", 200, 10, 1000), 1, "from-top")).toBe(-1);
  lanes.remove(tall);
  expect(lanes.place(flight("still", 200, 10, 1000), 1, "from-top")).toBe(0);
});

test("a stage too small for a single lane takes nothing", () => {
  const lanes = new Lanes(GAP_PX);
  lanes.reset(0);
  expect(lanes.place(flight("scroll", 100, 0, 1000), 1, "from-top")).toBe(-1);
});
