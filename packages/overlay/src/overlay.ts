import { canUseWorker, type Engine, type EngineContext, pageEngine, workerEngine } from "./engine.ts";
import { compileFilter, type IsBlocked } from "./filter.ts";
import { wallMs } from "./host.ts";
import { inlinedWorker } from "./inlined-worker.ts";
import { IN_FLIGHT_MAX, MASK_REGIONS_MAX } from "./limits.ts";
import { followMedia, type MediaState } from "./media.ts";
import type { Command, Report } from "./player.ts";
import { ReaderList } from "./reader-list.ts";
import { changeSettings, DEFAULT_SETTINGS } from "./settings.ts";
import type { Comment, Mask, OverlayStats, Settings } from "./types.ts";

/** What can only be chosen at the start, beside the settings. */
export interface OverlayOptions extends Partial<Settings> {
  /**
   * `worker`: a worker draws on an OffscreenCanvas. `canvas`: the page draws on a canvas. `dom`: elements, which can
   * be pressed. `auto` (default): `dom` if `clickable`, else `worker`, else `canvas` where that is missing or refused.
   */
  readonly engine?: "auto" | OverlayStats["engine"];
  /** Comments can be pressed, which `click` tells of. Default false. */
  readonly clickable?: boolean;
  /** Comments follow this element's time. Without, they are shown as they arrive. */
  readonly media?: HTMLMediaElement;
  /** Starts the worker, where a page's policy forbids the inlined one: its script is `@danmakud/overlay/worker`. */
  readonly createWorker?: () => Worker;
  /**
   * The list of the latest comments for screen readers: `list` (default) to be visited, `spoken` to be read out as
   * they come, `off` where the page has a list of its own.
   */
  readonly reader?: "list" | "spoken" | "off";
  /** Name of that list. Default `Comments`. */
  readonly readerLabel?: string;
}

/** What `Overlay.on` can listen to. */
export interface OverlayEvents {
  /** A comment was pressed (engine `dom`). */
  click: { readonly comment: Comment; readonly event: MouseEvent };
  /** The engine that draws, when it is known and when it changes. */
  engine: OverlayStats["engine"];
  /** Once a second while someone listens. */
  stats: OverlayStats;
}

const STATS_EVERY_MS = 1000;
const PIXEL_RATIO_MAX = 2;

const FIELDS = [
  "offset",
  "uid",
  "mode",
  "color",
  "size",
  "class",
  "own",
  "timeMs",
  "ageMs",
] as const satisfies readonly (keyof Comment)[];

type Draft = { -readonly [Name in keyof Comment]: Comment[Name] };

function copy<Name extends keyof Comment>(to: Draft, from: Comment, name: Name): void {
  const value = from[name];
  if (value !== undefined) to[name] = value;
}

/** Only what is drawn goes to the worker, and no empty fields: each costs its name once more in the message. */
function pick(comment: Comment): Comment {
  if (typeof comment?.content !== "string") throw new TypeError("overlay: a comment needs content, a string");
  const picked: Draft = { content: comment.content };
  for (let at = 0; at < FIELDS.length; at++) copy(picked, comment, FIELDS[at] as (typeof FIELDS)[number]);
  return picked;
}

/**
 * Comments over a page's element, usually around a `<video>`. Fills the element, which must be positioned; takes no
 * presses (but for comments that are `clickable`). To be destroyed when no longer needed.
 */
export class Overlay {
  readonly #container: HTMLElement;
  readonly #layer = document.createElement("div");
  readonly #options: OverlayOptions;
  readonly #reader: ReaderList | undefined;
  readonly #listeners = new Map<keyof OverlayEvents, Set<(event: never) => void>>();
  readonly #motion = matchMedia("(prefers-reduced-motion: reduce)");
  readonly #resizes = new ResizeObserver(() => this.resize());
  readonly #stops: (() => void)[] = [];
  readonly #answers = new Map<number, (stats: OverlayStats | undefined) => void>();
  #settings: Settings;
  #isBlocked: IsBlocked;
  #engine: Engine;
  #queue: Comment[] = [];
  #inFlight = 0;
  #isShown = true;
  #isPaused = false;
  #media: MediaState | undefined;
  #questions = 0;
  #statsTimer: ReturnType<typeof setInterval> | undefined;
  #isDestroyed = false;

  /** @throws TypeError where an option is of the wrong kind */
  constructor(container: HTMLElement, options: OverlayOptions = {}) {
    this.#settings = changeSettings(DEFAULT_SETTINGS, options);
    this.#isBlocked = compileFilter(this.#settings.filter);
    this.#container = container;
    this.#options = options;
    const { style } = this.#layer;
    style.position = "absolute";
    style.inset = "0";
    style.overflow = "hidden";
    style.pointerEvents = "none";
    style.contain = "strict";
    container.append(this.#layer);
    const { reader = "list", readerLabel = "Comments" } = options;
    if (reader !== "off") {
      this.#reader = new ReaderList(readerLabel, reader === "spoken");
      container.append(this.#reader.element);
    } else this.#layer.setAttribute("aria-hidden", "true");
    this.#engine = this.#start();
    this.#listen();
    if (options.media !== undefined) this.attach(options.media);
    this.setOptions({});
    this.resize();
  }

  /** Shows comments now, or, those with `timeMs` while following media, at their time. */
  emit(comments: Comment | readonly Comment[]): void {
    const list = Array.isArray(comments) ? (comments as readonly Comment[]) : [comments as Comment];
    for (const comment of list) {
      this.#queue.push(pick(comment));
      if (this.#reader && this.#isShown && !this.#isBlocked(comment)) this.#reader.add(comment.content);
    }
    // All that one task emits goes as one message.
    if (this.#queue.length === list.length) queueMicrotask(() => this.#flush());
  }

  /**
   * Replaces the timeline; from then on comments follow the media's time (or `seek`, `pause` and `resume`).
   * Resolves when they are ready to be shown.
   */
  load(comments: readonly Comment[]): Promise<void> {
    return this.#ask((id) => ({ do: "load", comments: comments.map(pick), id })).then(() => undefined);
  }

  /** Takes the comment with this offset off, from the stage and from the timeline. */
  remove(offset: number): void {
    this.#send({ do: "remove", offset });
  }

  /** Takes a user's comments off; with `before`, those of lower offset. */
  removeByUser(uid: string, before: number = Number.POSITIVE_INFINITY): void {
    this.#send({ do: "removeByUser", uid, before });
  }

  /** Empties the stage. The timeline stays. */
  clear(): void {
    this.#reader?.clear();
    this.#queue = [];
    this.#send({ do: "clear" });
  }

  /**
   * Changes settings; those not named stay. What is on stage changes at once and goes on from where it is.
   * @throws TypeError where a value is of the wrong kind
   */
  setOptions(change: Partial<Settings>): void {
    this.#settings = changeSettings(this.#settings, change);
    if (change.filter !== undefined) this.#isBlocked = compileFilter(this.#settings.filter);
    this.#layer.style.opacity = String(this.#settings.opacity);
    this.#send({ do: "settings", settings: this.#effective() });
  }

  /** Settings as they are now. */
  get options(): Settings {
    return this.#settings;
  }

  /** Leaves parts of the stage free, or none by `null`. An ImageBitmap belongs to the overlay from then on. */
  setMask(mask: Mask | null): void {
    if (mask !== null && !("close" in mask) && mask.length > MASK_REGIONS_MAX)
      throw new TypeError(`overlay: a mask has at most ${MASK_REGIONS_MAX} regions`);
    this.#send({ do: "mask", mask });
  }

  /** Goes to a position, for players that are no media element. */
  seek(positionMs: number): void {
    this.#send({ do: "seek", positionMs, wallMs: wallMs() });
  }

  /** Stops all motion. Other comments than the viewer's own are left out meanwhile. */
  pause(): void {
    this.#isPaused = true;
    this.#send({ do: "run", isRunning: false, wallMs: wallMs() });
  }

  resume(): void {
    this.#isPaused = false;
    this.#send({ do: "run", isRunning: this.#media?.isRunning ?? true, wallMs: wallMs() });
  }

  /** Follows a media element from now on. @returns a function that stops it */
  attach(media: HTMLMediaElement): () => void {
    const stop = followMedia(media, (state, seeked) => {
      this.follow(state);
      if (seeked) this.seek(state.positionMs);
    });
    this.#stops.push(stop);
    return stop;
  }

  /** Follows any player: to be told of every change, and of the position a few times a second. */
  follow(state: MediaState): void {
    this.#media = state;
    const isRunning = state.isRunning && !this.#isPaused;
    this.#send({ do: "follow", ...state, isRunning, wallMs: wallMs() });
  }

  show(): void {
    this.#isShown = true;
    this.#visible();
  }

  /** Shows nothing until `show`. What comes meanwhile is left out; what is under way moves on unseen. */
  hide(): void {
    this.#isShown = false;
    this.#visible();
  }

  /** Takes the container's size. Called by itself when that changes. */
  resize(): void {
    const { clientWidth: widthPx, clientHeight: heightPx } = this.#container;
    const ratio = Math.min(devicePixelRatio || 1, PIXEL_RATIO_MAX);
    if (widthPx > 0 && heightPx > 0) this.#send({ do: "resize", widthPx, heightPx, ratio });
  }

  /** Counts since the start and the present state. */
  async stats(): Promise<OverlayStats> {
    const stats = await this.#ask((id) => ({ do: "stats", id }));
    if (stats === undefined) throw new Error("overlay: it is destroyed");
    return stats;
  }

  /** Listens to an event. @returns a function that stops listening */
  on<Name extends keyof OverlayEvents>(
    name: Name,
    listener: (event: OverlayEvents[Name]) => void,
  ): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    if (name === "stats")
      this.#statsTimer ??= setInterval(() => {
        const none = () => undefined; // destroyed since it was asked
        void this.stats().then((stats) => this.#tell("stats", stats), none);
      }, STATS_EVERY_MS);
    return () => {
      listeners.delete(listener);
      if (name !== "stats" || listeners.size > 0) return;
      clearInterval(this.#statsTimer);
      this.#statsTimer = undefined;
    };
  }

  /** Takes everything off the page and ends the worker. */
  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    clearInterval(this.#statsTimer);
    this.#resizes.disconnect();
    for (const stop of this.#stops) stop();
    this.#engine.destroy();
    this.#reader?.destroy();
    this.#layer.remove();
    this.#listeners.clear();
    for (const answer of this.#answers.values()) answer(undefined);
    this.#answers.clear();
  }

  #start(): Engine {
    const { engine = "auto", clickable = false, createWorker = inlinedWorker() } = this.#options;
    const context: EngineContext = {
      layer: this.#layer,
      settings: this.#effective(),
      report: (report) => this.#take(report),
      clicked: (comment, event) => this.#tell("click", { comment, event }),
    };
    if (engine === "dom" || (engine === "auto" && clickable)) return pageEngine("dom", context);
    if (engine === "canvas" || createWorker === undefined || !canUseWorker())
      return pageEngine("canvas", context);
    return workerEngine(createWorker, context, (waiting) => {
      if (this.#isDestroyed) return;
      this.#engine = pageEngine("canvas", context);
      for (const command of waiting) this.#engine.send(command);
      this.#tell("engine", "canvas");
    });
  }

  #listen(): void {
    const onVisibility = () => this.#visible();
    const onMotion = () => this.setOptions({});
    const onResize = () => this.resize();
    document.addEventListener("visibilitychange", onVisibility);
    this.#motion.addEventListener("change", onMotion);
    // The window's covers a change of the pixel ratio, which the container's size does not.
    addEventListener("resize", onResize);
    this.#resizes.observe(this.#container);
    this.#stops.push(
      () => document.removeEventListener("visibilitychange", onVisibility),
      () => this.#motion.removeEventListener("change", onMotion),
      () => removeEventListener("resize", onResize),
    );
    queueMicrotask(() => this.#tell("engine", this.#engine.kind));
    if (document.hidden) this.#visible();
  }

  /** Settings as the player takes them: `auto` resolved. */
  #effective(): Settings {
    const { reducedMotion } = this.#settings;
    if (reducedMotion !== "auto") return this.#settings;
    return { ...this.#settings, reducedMotion: this.#motion.matches ? "on" : "off" };
  }

  #visible(): void {
    this.#send({ do: "visible", isVisible: this.#isShown && !document.hidden });
  }

  #flush(): void {
    const comments = this.#queue;
    this.#queue = [];
    if (comments.length === 0) return;
    if (this.#engine.kind === "worker") {
      // A worker that does not keep up must not be buried: what it cannot take in time would be stale.
      const room = Math.max(0, IN_FLIGHT_MAX - this.#inFlight);
      const excess = comments.splice(room).length;
      if (excess > 0) this.#send({ do: "overrun", count: excess });
      this.#inFlight += comments.length;
    }
    this.#send({ do: "emit", comments });
  }

  #send(command: Command): void {
    if (!this.#isDestroyed) this.#engine.send(command);
  }

  #ask(question: (id: number) => Command): Promise<OverlayStats | undefined> {
    if (this.#isDestroyed) return Promise.resolve(undefined);
    const id = ++this.#questions;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#flush();
      this.#send(question(id));
    });
  }

  #take(report: Report): void {
    if (report.is === "progress") {
      this.#inFlight = Math.max(0, this.#inFlight - report.count);
      return;
    }
    const answer = this.#answers.get(report.id);
    this.#answers.delete(report.id);
    answer?.(report.is === "stats" ? report.stats : undefined);
  }

  #tell<Name extends keyof OverlayEvents>(name: Name, event: OverlayEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(event as never);
  }
}
