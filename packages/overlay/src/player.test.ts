import { describe, expect, test } from "bun:test";
import { flightX } from "./flight.ts";
import { lookOf } from "./look.ts";
import type { Painter } from "./painter.ts";
import { type Command, type Host, Player, type Report } from "./player.ts";
import { changeSettings, DEFAULT_SETTINGS } from "./settings.ts";
import type { Stage } from "./stage.ts";
import type { Comment, OverlayStats } from "./types.ts";

const SETTINGS = changeSettings(DEFAULT_SETTINGS, { reducedMotion: "off" });

/** A stage of 1280 × 720 whose frames come when the test says so, and where every comment stood in each. */
class Screen {
  nowMs = 1000;
  readonly #reports: Report[] = [];
  #waiting: ((wallMs: number) => void) | undefined;
  /** Left edges by text, one map per frame drawn. */
  readonly frames: Map<string, number>[] = [];
  readonly player: Player;

  constructor() {
    const host: Host = {
      wallMs: () => this.nowMs,
      requestFrame: (draw) => {
        this.#waiting = draw;
        return 1;
      },
      cancelFrame: () => {
        this.#waiting = undefined;
      },
      report: (report) => this.#reports.push(report),
    };
    const painter: Painter = {
      engine: "canvas",
      spriteCount: 0,
      spritePixels: 0,
      measure: (comment: Comment, count: number) => ({
        widthPx: 100,
        heightPx: lookOf(comment, count, SETTINGS).heightPx,
      }),
      hasRoom: () => true,
      release: () => {},
      setSettings: () => {},
      resize: () => {},
      setMask: () => {},
      draw: (stage: Stage, nowMs: number) => {
        const seen = stage.items.filter(({ flight }) => flight.startMs <= nowMs);
        this.frames.push(
          new Map(seen.map(({ comment, flight }) => [comment.content, flightX(flight, nowMs)])),
        );
      },
      wipe: () => {},
      destroy: () => {},
    };
    this.player = new Player(SETTINGS, painter, host);
    this.take({ do: "resize", widthPx: 1280, heightPx: 720, ratio: 1 });
    this.frame(0);
  }

  take(command: Command): void {
    this.player.take(command);
  }

  emit(...contents: string[]): void {
    this.take({ do: "emit", comments: contents.map((content) => ({ content })) });
  }

  follow(positionMs: number, isRunning: boolean, rate = 1): void {
    this.take({ do: "follow", positionMs, isRunning, rate, wallMs: this.nowMs });
  }

  /** Whether a frame has been asked for. */
  get isBusy(): boolean {
    return this.#waiting !== undefined;
  }

  /** A frame of `ms` after the last one, whose call comes `lateMs` after its time stamp. */
  frame(ms: number, lateMs = 0): void {
    const stamp = this.nowMs + ms;
    this.nowMs = stamp + lateMs;
    const draw = this.#waiting;
    this.#waiting = undefined;
    draw?.(stamp);
    this.nowMs = stamp;
  }

  stats(): OverlayStats {
    this.take({ do: "stats", id: 1 });
    const report = this.#reports.at(-1);
    if (report?.is !== "stats") throw new Error("no counts");
    return report.stats;
  }
}

describe("motion", () => {
  test.each([60, 90, 120, 144, 240])(
    "is even at %d frames per second, however late a frame's call comes",
    (hertz) => {
      const screen = new Screen();
      screen.emit("flies");
      for (let n = 0; n < hertz; n++) {
        screen.frame(1000 / hertz, (n * 7) % 5);
        // What comes in between moves nobody.
        if (n % 10 === 0) screen.emit(`another ${n}`);
      }
      const places = screen.frames.flatMap((frame) => frame.get("flies") ?? []);
      const steps = places.slice(1).map((place, at) => (places[at] ?? 0) - place);
      const velocity = (1280 + 100) / (4300 + 1280 * 3.7);
      expect(steps.length).toBe(hertz - 1);
      for (const step of steps) expect(step).toBeCloseTo((velocity * 1000) / hertz, 6);
    },
  );

  test("makes a media's drift good without a jump or a step back", () => {
    const screen = new Screen();
    screen.take({ do: "load", comments: [{ content: "flies", timeMs: 0 }], id: 1 });
    screen.follow(0, true);
    for (let n = 0; n < 300; n++) {
      screen.frame(1000 / 60);
      // What a media element says of its time is a little off, now here, now there.
      if (n % 15 === 0) screen.follow((n + 1) * (1000 / 60) + ((n * 37) % 90) - 45, true);
    }
    const places = screen.frames.flatMap((frame) => frame.get("flies") ?? []);
    const even = (((1280 + 100) / (4300 + 1280 * 3.7)) * 1000) / 60;
    for (const [at, place] of places.slice(1).entries()) {
      const step = (places[at] ?? 0) - place;
      expect(step).toBeGreaterThan(even * 0.8);
      expect(step).toBeLessThan(even * 1.2);
    }
  });
});

describe("no frame is drawn", () => {
  test("while the stage is empty, or paused, or hidden", () => {
    const screen = new Screen();
    expect(screen.isBusy).toBe(false);
    screen.emit("one");
    screen.frame(16);
    expect(screen.isBusy).toBe(true);

    screen.take({ do: "run", isRunning: false, wallMs: screen.nowMs });
    screen.frame(16);
    expect(screen.isBusy).toBe(false);
    screen.take({ do: "run", isRunning: true, wallMs: screen.nowMs });
    screen.frame(16);
    expect(screen.isBusy).toBe(true);

    screen.take({ do: "visible", isVisible: false });
    screen.frame(16);
    screen.emit("unseen");
    expect(screen.isBusy).toBe(false);
    screen.take({ do: "visible", isVisible: true });
    expect(screen.isBusy).toBe(true);

    screen.frame(60_000);
    expect([screen.isBusy, screen.stats().onScreen]).toEqual([false, 0]);
    expect(screen.stats().dropped.hidden).toBe(1);
  });
});

describe("what belongs to a place of the media", () => {
  test("is put on stage by a jump, as far on its way as it is, and by nothing twice", () => {
    const screen = new Screen();
    const comments = Array.from({ length: 100 }, (_, n) => ({ content: `n ${n}`, timeMs: n * 1000 }));
    screen.take({ do: "load", comments, id: 1 });
    screen.follow(50_500, true);
    screen.frame(16);
    const crossingMs = 4300 + 1280 * 3.7;
    const shown = [...(screen.frames.at(-1)?.keys() ?? [])];
    expect(shown).toEqual(["n 42", "n 43", "n 44", "n 45", "n 46", "n 47", "n 48", "n 49", "n 50"]);
    const left = screen.frames.at(-1)?.get("n 50") ?? 0;
    expect(left).toBeCloseTo(1280 - (516 * 1380) / crossingMs, 3);
    for (let n = 0; n < 60; n++) screen.frame(100);
    // The first one too, where the recording stood when it was loaded.
    expect(screen.stats().shown).toBe(1 + 9 + 6);
    // Back again: the same ones, not those and others.
    screen.take({ do: "seek", positionMs: 50_500, wallMs: screen.nowMs });
    screen.frame(0);
    expect([...(screen.frames.at(-1)?.keys() ?? [])]).toEqual(shown);
  });

  test("and passed while nobody looked is late, but for what is still under way", () => {
    const screen = new Screen();
    const comments = Array.from({ length: 100 }, (_, n) => ({ content: `n ${n}`, timeMs: n * 1000 }));
    screen.take({ do: "load", comments, id: 1 });
    screen.follow(-1, true);
    screen.frame(16);
    screen.take({ do: "visible", isVisible: false });
    screen.nowMs += 60_000;
    screen.take({ do: "visible", isVisible: true });
    screen.frame(0);
    const { onScreen, shown, dropped } = screen.stats();
    expect([onScreen, shown, dropped.late]).toEqual([10, 1 + 10, 50]);
  });
});
