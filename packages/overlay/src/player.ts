/**
 * Runs the stage: takes commands, keeps the clock, draws frames while there is something to draw. The same in a worker
 * and on the page; `Host` is what differs.
 */
import { Clock } from "./clock.ts";
import { BACKFILL_MAX, PROGRESS_EVERY } from "./limits.ts";
import type { Painter } from "./painter.ts";
import { Stage } from "./stage.ts";
import { Timeline } from "./timeline.ts";
import type { Comment, Mask, OverlayStats, Settings } from "./types.ts";

/** What the page tells the player. `wallMs`: `performance.timeOrigin + performance.now()` where it was sent. */
export type Command =
  | { readonly do: "emit"; readonly comments: readonly Comment[] }
  | { readonly do: "load"; readonly comments: readonly Comment[]; readonly id: number }
  | { readonly do: "remove"; readonly offset: number }
  | { readonly do: "removeByUser"; readonly uid: string; readonly before: number }
  | { readonly do: "clear" }
  | { readonly do: "settings"; readonly settings: Settings }
  | { readonly do: "resize"; readonly widthPx: number; readonly heightPx: number; readonly ratio: number }
  | { readonly do: "mask"; readonly mask: Mask | null }
  | {
      readonly do: "follow";
      readonly positionMs: number;
      readonly rate: number;
      readonly isRunning: boolean;
      readonly wallMs: number;
    }
  | { readonly do: "seek"; readonly positionMs: number; readonly wallMs: number }
  | { readonly do: "run"; readonly isRunning: boolean; readonly wallMs: number }
  | { readonly do: "visible"; readonly isVisible: boolean }
  | { readonly do: "overrun"; readonly count: number }
  | { readonly do: "stats"; readonly id: number };

/** What the player answers. */
export type Report =
  | { readonly is: "progress"; readonly count: number }
  | { readonly is: "loaded"; readonly id: number }
  | { readonly is: "stats"; readonly id: number; readonly stats: OverlayStats };

export interface Host {
  /** The same clock as `wallMs`. */
  wallMs(): number;
  /** Calls back with the frame's time on that clock. */
  requestFrame(draw: (wallMs: number) => void): number;
  cancelFrame(frame: number): void;
  report(report: Report): void;
}

const FPS_OVER_MS = 1000;

export class Player {
  readonly #painter: Painter;
  readonly #host: Host;
  readonly #stage: Stage;
  readonly #timeline = new Timeline();
  readonly #clock = new Clock();
  /** Follows a media element; else shows what arrives when it arrives. */
  #isMedia = false;
  #isVisible = true;
  #frame = 0;
  #wake: ReturnType<typeof setTimeout> | undefined;
  #unreported = 0;
  #frames = 0;
  #drawMs = 0;
  /** Times of the frames of the last second. */
  #recent: number[] = [];

  constructor(settings: Settings, painter: Painter, host: Host) {
    this.#painter = painter;
    this.#host = host;
    this.#stage = new Stage(settings, painter);
    this.#clock.set(0, host.wallMs());
  }

  take(command: Command): void {
    const wallMs = this.#host.wallMs();
    const nowMs = this.#clock.now(wallMs);
    switch (command.do) {
      case "emit":
        this.#emit(command.comments, nowMs);
        break;
      case "load":
        this.#isMedia = true;
        this.#stage.drop("bounds", this.#timeline.load(command.comments));
        this.#backfill(nowMs);
        this.#host.report({ is: "loaded", id: command.id });
        break;
      case "remove":
        this.#remove((comment) => comment.offset === command.offset);
        break;
      case "removeByUser":
        this.#remove(({ uid, offset = 0 }) => uid === command.uid && offset < command.before);
        break;
      case "clear":
        this.#stage.clear();
        break;
      case "settings":
        this.#painter.setSettings(command.settings);
        this.#stage.setSettings(command.settings, nowMs);
        break;
      case "resize":
        this.#painter.resize(command.widthPx, command.heightPx, command.ratio);
        this.#stage.resize(command.widthPx, command.heightPx, nowMs);
        break;
      case "mask":
        this.#painter.setMask(command.mask);
        break;
      case "follow":
        this.#isMedia = true;
        if (this.#clock.follow(command.positionMs, command.rate, command.isRunning, command.wallMs))
          this.#backfill(this.#clock.now(wallMs));
        break;
      case "seek":
        this.#isMedia = true;
        this.#clock.set(command.positionMs, command.wallMs);
        this.#backfill(this.#clock.now(wallMs));
        break;
      case "run":
        this.#clock.run(command.isRunning, command.wallMs);
        break;
      case "visible":
        this.#show(command.isVisible);
        break;
      case "overrun":
        this.#stage.drop("overrun", command.count);
        break;
      case "stats":
        this.#host.report({ is: "stats", id: command.id, stats: this.#stats(nowMs, wallMs) });
        return;
    }
    this.#request();
  }

  destroy(): void {
    this.#host.cancelFrame(this.#frame);
    clearTimeout(this.#wake);
    this.#stage.clear();
    this.#painter.destroy();
  }

  #emit(comments: readonly Comment[], nowMs: number): void {
    for (const comment of comments) {
      if (comment.timeMs !== undefined && this.#isMedia) {
        if (!this.#timeline.insert(comment)) this.#stage.drop("bounds");
      } else if (!this.#isVisible) this.#stage.drop("hidden");
      else if (this.#clock.speed === 0 && !comment.own) this.#stage.drop("paused");
      else this.#enter(comment, nowMs - Math.max(0, comment.ageMs ?? 0), nowMs);
    }
    this.#unreported += comments.length;
    if (this.#unreported < PROGRESS_EVERY) return;
    this.#host.report({ is: "progress", count: this.#unreported });
    this.#unreported = 0;
  }

  /** Lets a comment enter that should have entered at `atMs`, unless it would have left already. */
  #enter(comment: Comment, atMs: number, nowMs: number): void {
    if (atMs <= nowMs - this.#stage.stayMs(comment)) this.#stage.drop("late");
    else this.#stage.offer(comment, atMs);
  }

  #remove(matches: (comment: Comment) => boolean): void {
    this.#timeline.remove(matches);
    this.#stage.remove(matches);
  }

  /** Puts on stage what would be under way at this time of the media. */
  #backfill(nowMs: number): void {
    this.#stage.clear();
    this.#timeline.seek(nowMs);
    if (!this.#isVisible) return;
    const stage = this.#stage;
    for (const comment of this.#timeline.between(nowMs - stage.longestMs, nowMs, BACKFILL_MAX)) {
      const { timeMs = nowMs } = comment;
      if (timeMs > nowMs - stage.stayMs(comment)) stage.offer(comment, timeMs);
    }
  }

  #show(isVisible: boolean): void {
    if (isVisible === this.#isVisible) return;
    this.#isVisible = isVisible;
    if (!isVisible) this.#painter.wipe();
  }

  /** Draws at the next frame, if there is or will be anything to draw. */
  #request(): void {
    clearTimeout(this.#wake);
    if (this.#frame === 0 && this.#isVisible) this.#frame = this.#host.requestFrame((at) => this.#draw(at));
  }

  /** @hot guarded by `npm run bench -- overlay` */
  #draw(wallMs: number): void {
    this.#frame = 0;
    if (!this.#isVisible) return;
    const begunMs = performance.now();
    const nowMs = this.#clock.now(wallMs);
    const stage = this.#stage;
    if (this.#isMedia) this.#enterDue(nowMs);
    stage.advance(nowMs);
    this.#painter.draw(stage, nowMs);
    this.#frames++;
    this.#drawMs += performance.now() - begunMs;
    this.#recent.push(wallMs);
    while ((this.#recent[0] ?? wallMs) <= wallMs - FPS_OVER_MS) this.#recent.shift();
    const { speed } = this.#clock;
    // Paused or empty: nothing moves, so nothing is drawn until a command or the timeline's next comment.
    if (speed === 0) return;
    if (stage.items.length > 0) this.#request();
    else if (this.#isMedia && Number.isFinite(this.#timeline.nextMs))
      this.#wake = setTimeout(
        () => this.#request(),
        Math.min(2 ** 31 - 1, (this.#timeline.nextMs - nowMs) / speed),
      );
  }

  /** What the media has come to since the last frame; what came while nobody looked only if still under way. */
  #enterDue(nowMs: number): void {
    const due = this.#timeline.take(nowMs);
    for (let at = 0; at < due.length; at++) {
      const comment = due[at] as Comment;
      this.#enter(comment, comment.timeMs ?? nowMs, nowMs);
    }
  }

  #stats(nowMs: number, wallMs: number): OverlayStats {
    const stage = this.#stage;
    const waiting = stage.items.filter(({ flight }) => flight.startMs > nowMs).length;
    return {
      engine: this.#painter.engine,
      onScreen: stage.items.filter(({ flight }) => flight.startMs <= nowMs && flight.endMs > nowMs).length,
      waiting,
      timeline: this.#timeline.size,
      shown: stage.shown,
      merged: stage.merged,
      dropped: { ...stage.dropped },
      frames: this.#frames,
      drawMs: this.#drawMs,
      fps: this.#recent.filter((at) => at > wallMs - FPS_OVER_MS).length,
      sprites: this.#painter.spriteCount,
      spritePixels: this.#painter.spritePixels,
    };
  }
}
