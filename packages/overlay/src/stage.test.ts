import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { flightX } from "./flight.ts";
import { lookOf } from "./look.ts";
import { changeSettings, DEFAULT_SETTINGS } from "./settings.ts";
import { type Gauge, type Item, Stage } from "./stage.ts";
import type { Comment, Settings } from "./types.ts";

/** Widths as a fixed-width font would give them. */
class FixedGauge implements Gauge {
  settings: Settings;
  released = 0;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  measure(comment: Comment, count: number) {
    const { text, px, heightPx, padPx } = lookOf(comment, count, this.settings);
    return { widthPx: Math.ceil(text.length * px * 0.6) + 2 * padPx, heightPx };
  }

  hasRoom() {
    return true;
  }

  release() {
    this.released++;
  }
}

function stageWith(change: Partial<Settings>, width = 1280, height = 720) {
  const settings = changeSettings(DEFAULT_SETTINGS, { reducedMotion: "off", ...change });
  const gauge = new FixedGauge(settings);
  const stage = new Stage(settings, gauge);
  stage.resize(width, height, 0);
  const set = (more: Partial<Settings>, nowMs: number) => {
    gauge.settings = changeSettings(gauge.settings, more);
    stage.setSettings(gauge.settings, nowMs);
  };
  return { stage, gauge, set };
}

/** Boxes of two comments that share a lane, at one time. */
function overlapAt(a: Item, b: Item, nowMs: number): boolean {
  const seen = ({ flight }: Item) => flight.startMs <= nowMs && nowMs < flight.endMs;
  if (!seen(a) || !seen(b)) return false;
  if (a.lane >= b.lane + b.span || b.lane >= a.lane + a.span) return false;
  const [ax, bx] = [flightX(a.flight, nowMs), flightX(b.flight, nowMs)];
  return ax < bx + b.flight.widthPx - 1e-6 && bx < ax + a.flight.widthPx - 1e-6;
}

function expectNoOverlap(items: readonly Item[], fromMs: number): void {
  for (const [at, a] of items.entries())
    for (const b of items.slice(0, at)) {
      const end = Math.min(a.flight.endMs, b.flight.endMs);
      const begin = Math.max(fromMs, a.flight.startMs, b.flight.startMs);
      for (let step = 0; step <= 20; step++) {
        const nowMs = begin + ((end - begin) * step) / 20.000001;
        if (begin < end && overlapAt(a, b, nowMs))
          throw new Error(`"${a.comment.content}" and "${b.comment.content}" overlap at ${nowMs} ms`);
      }
    }
}

const anyComment = fc.record(
  {
    content: fc.string({ minLength: 1, maxLength: 60 }),
    mode: fc.constantFrom("scroll", "reverse", "top", "bottom"),
    size: fc.integer({ min: 12, max: 64 }),
    class: fc.constantFrom("normal", "member", "moderator", "paid", "system"),
    own: fc.boolean(),
  },
  { requiredKeys: ["content"] },
) as fc.Arbitrary<Comment>;

const anyStep = fc.oneof(
  { weight: 20, arbitrary: fc.record({ comment: anyComment, waitMs: fc.nat(400) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      width: fc.integer({ min: 200, max: 2600 }),
      height: fc.integer({ min: 40, max: 1400 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      change: fc.record({
        speed: fc.double({ min: 0.25, max: 4, noNaN: true }),
        fontScale: fc.double({ min: 0.5, max: 3, noNaN: true }),
        area: fc.constantFrom(0.25, 0.5, 0.75, 1),
        mergeWindowMs: fc.constantFrom(0, 3000),
      }),
    }),
  },
);

describe("no two visible comments of a lane overlap", () => {
  test.each(["drop", "delay"] as const)("over random widths, speeds, sizes and changes (%s)", (overflow) => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 1, maxLength: 90 }), (steps) => {
        const { stage, set } = stageWith({ overflow });
        let nowMs = 0;
        for (const step of steps) {
          if ("comment" in step) {
            nowMs += step.waitMs;
            stage.advance(nowMs);
            stage.offer(step.comment, nowMs);
            continue;
          }
          expectNoOverlap(stage.items, nowMs);
          if ("change" in step) set(step.change, nowMs);
          else stage.resize(step.width, step.height, nowMs);
          expectNoOverlap(stage.items, nowMs);
        }
        expectNoOverlap(stage.items, nowMs);
      }),
      { numRuns: 250 },
    );
  });

  test("a full stage of a busy room, over minutes", () => {
    const { stage } = stageWith({ mergeWindowMs: 2000 });
    for (let nowMs = 0; nowMs < 120_000; nowMs += 20) {
      stage.advance(nowMs);
      const content = "哈".repeat(1 + ((nowMs / 20) % 17));
      stage.offer(
        { content, mode: nowMs % 700 === 0 ? "top" : nowMs % 900 === 0 ? "reverse" : "scroll" },
        nowMs,
      );
      if (nowMs % 2000 === 0) expectNoOverlap(stage.items, nowMs);
    }
    expect(stage.dropped.full).toBeGreaterThan(0);
    expect(stage.items.length).toBeGreaterThan(30);
    expect(stage.items.length).toBeLessThan(500);
  });
});

describe("every comment is shown or counted", () => {
  test("offered = shown + dropped", () => {
    fc.assert(
      fc.property(fc.array(anyComment, { maxLength: 200 }), fc.nat(40), (comments, everyMs) => {
        const { stage } = stageWith({ maxPerSecond: 30, maxOnScreen: 40, mergeWindowMs: 500 });
        for (const [at, comment] of comments.entries()) stage.offer(comment, at * everyMs);
        const dropped = Object.values(stage.dropped).reduce((sum, count) => sum + count, 0);
        expect(stage.shown + dropped).toBe(comments.length);
      }),
    );
  });

  test("own, paid and system comments always enter, before the bounds and without overlap", () => {
    const { stage } = stageWith({ overflow: "drop", maxOnScreen: 5, maxPerSecond: 1 }, 600, 80);
    for (let n = 0; n < 40; n++) {
      stage.offer({ content: `crowd ${n}` }, n * 10);
      const due = [{ own: true }, { class: "paid" }, { class: "system" }][n % 3] as Partial<Comment>;
      expect(stage.offer({ content: `must be seen ${n}`, ...due }, n * 10)).toBe(true);
    }
    expectNoOverlap(stage.items, 0);
    expect(stage.dropped.density + stage.dropped.full).toBe(40 - (stage.shown - 40));
  });

  test("overlap shows at once what does not fit, and no class but the one chosen", () => {
    const { stage } = stageWith({ overflow: { normal: "overlap", member: "drop" } }, 600, 80);
    for (let n = 0; n < 20; n++) expect(stage.offer({ content: "over and over" }, 0)).toBe(true);
    expect(stage.items.every(({ flight }) => flight.startMs === 0)).toBe(true);
    expect(stage.offer({ content: "no room", class: "member" }, 0)).toBe(false);
  });
});

describe("settings", () => {
  test("a filter holds back by word, pattern, user, mode and colour, also what is on stage; never own comments", () => {
    const { stage, set } = stageWith({});
    const comments: Comment[] = [
      { content: "buy GOLD now" },
      { content: "1234567" },
      { content: "hello", uid: "troll" },
      { content: "hello", mode: "top" },
      { content: "hello", color: "#FF0000" },
      { content: "fine" },
      { content: "my gold", own: true },
    ];
    for (const comment of comments) stage.offer(comment, 0);
    expect(stage.items.length).toBe(7);
    const filter = {
      keywords: ["gold"],
      patterns: [/^\d{5,}$/g],
      users: ["troll"],
      modes: ["top" as const],
      colors: ["#ff0000"],
    };
    set({ filter }, 10);
    expect(stage.items.map(({ comment }) => comment.content)).toEqual(["fine", "my gold"]);
    for (const comment of comments) stage.offer(comment, 20);
    expect(stage.items.length).toBe(4);
    expect(stage.dropped.filtered).toBe(5);
    set({ filter: { colors: ["coloured"] } }, 30);
    expect(stage.offer({ content: "green", color: "#00ff00" }, 30)).toBe(false);
    expect(stage.offer({ content: "white", color: "#FFFFFF" }, 30)).toBe(true);
  });

  test("the area bounds where moving comments go", () => {
    const { stage } = stageWith({ area: 0.25, overflow: "drop" });
    for (let n = 0; n < 50; n++) stage.offer({ content: "moving", mode: n % 2 ? "scroll" : "reverse" }, 0);
    const lowest = Math.max(...stage.items.map(({ lane }) => lane));
    expect(lowest).toBeLessThan(stage.laneCount * 0.3);
    stage.offer({ content: "at the bottom", mode: "bottom" }, 0);
    expect(stage.items.at(-1)?.lane).toBe(stage.laneCount - 1);
  });

  test("a size or speed that changes leaves everyone as far as they had come", () => {
    const { stage, set } = stageWith({});
    for (let n = 0; n < 10; n++) stage.offer({ content: `comment ${n}` }, n * 300);
    const progress = (nowMs: number) =>
      stage.items.map(({ flight }) => (nowMs - flight.startMs) / (flight.endMs - flight.startMs));
    const before = progress(4000);
    stage.resize(1920, 1080, 4000);
    set({ speed: 2 }, 4000);
    for (const [at, share] of progress(4000).entries()) expect(share).toBeCloseTo(before[at] ?? -1, 6);
  });

  test("reduced motion makes everything stand", () => {
    const { stage } = stageWith({ reducedMotion: "on" });
    stage.offer({ content: "calm" }, 0);
    stage.offer({ content: "calm too", mode: "reverse" }, 0);
    expect(stage.items.map(({ flight }) => Math.abs(flight.velocity))).toEqual([0, 0]);
  });

  test("density bounds what is on stage and what enters per second", () => {
    const { stage, set } = stageWith({ maxOnScreen: 12 });
    for (let n = 0; n < 30; n++) stage.offer({ content: `n ${n}`, mode: "scroll" }, 0);
    expect(stage.items.length).toBe(12);
    stage.clear();
    set({ maxOnScreen: 0, maxPerSecond: 5, overflow: "overlap" }, 0);
    const before = stage.shown;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 10) stage.offer({ content: `t ${nowMs}` }, nowMs);
    expect(stage.shown - before).toBeLessThanOrEqual(55);
    expect(stage.shown - before).toBeGreaterThanOrEqual(49);
  });

  test("values out of range are brought into it, values of the wrong kind refused by name", () => {
    expect(changeSettings(DEFAULT_SETTINGS, { speed: 100, opacity: -1 })).toMatchObject({
      speed: 4,
      opacity: 0,
    });
    expect(changeSettings(DEFAULT_SETTINGS, {}).speed).toBe(1);
    const refuse = (change: object, name: string) =>
      expect(() => changeSettings(DEFAULT_SETTINGS, change as Partial<Settings>)).toThrow(name);
    refuse({ speed: "fast" }, "speed");
    refuse({ area: Number.NaN }, "area");
    refuse({ overflow: { paid: "hide" } }, "overflow");
    refuse({ filter: { patterns: ["x"] } }, "filter.patterns");
    refuse({ filter: { keywords: "x" } }, "filter.keywords");
    refuse({ reducedMotion: true }, "reducedMotion");
  });
});

describe("equal texts", () => {
  test("within the window become one with their number, which removals take down again", () => {
    const { stage } = stageWith({ mergeWindowMs: 1000 });
    for (let n = 0; n < 5; n++) stage.offer({ content: "666", offset: n, uid: `u${n}` }, n * 100);
    stage.offer({ content: "666", mode: "top", offset: 9 }, 500);
    stage.offer({ content: "666", own: true, offset: 10 }, 500);
    expect(stage.items.map(({ members }) => members.length)).toEqual([5, 1, 1]);
    expect(stage.merged).toBe(4);
    stage.remove(({ offset }) => offset === 0);
    stage.remove(({ uid }) => uid === "u3");
    expect(stage.items[0]?.members.length).toBe(3);
    stage.remove(({ offset = 99 }) => offset < 5);
    expect(stage.items.length).toBe(2);
  });

  test("outside of it do not", () => {
    const { stage } = stageWith({ mergeWindowMs: 1000 });
    stage.offer({ content: "666" }, 0);
    stage.offer({ content: "666" }, 1001);
    expect(stage.items.length).toBe(2);
  });
});

test("memory is given back: nothing is kept of what has left", () => {
  const { stage, gauge } = stageWith({ mergeWindowMs: 1000 });
  for (let n = 0; n < 2000; n++) {
    stage.advance(n * 50);
    stage.offer({ content: `comment ${n}` }, n * 50);
  }
  stage.advance(1e9);
  expect(stage.items.length).toBe(0);
  expect(gauge.released).toBeGreaterThanOrEqual(stage.shown - stage.merged);
});
