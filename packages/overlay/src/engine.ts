/** Where the stage is drawn: in a worker, on a canvas of the page, or as elements. */
import { threadHost } from "./host.ts";
import { STARTING_COMMANDS_MAX } from "./limits.ts";
import { CanvasPainter } from "./painter-canvas.ts";
import { DomPainter } from "./painter-dom.ts";
import { type Command, Player, type Report } from "./player.ts";
import type { Comment, OverlayStats, Settings } from "./types.ts";
import type { FromWorker } from "./worker-messages.ts";

export interface Engine {
  readonly kind: OverlayStats["engine"];
  send(command: Command): void;
  destroy(): void;
}

/** What an engine needs of its surroundings. */
export interface EngineContext {
  readonly layer: HTMLElement;
  readonly settings: Settings;
  report(report: Report): void;
  clicked(comment: Comment, event: MouseEvent): void;
}

/** A worker that has not said anything for so long will not: its script was refused, or the browser is broken. */
const START_MS_MAX = 8000;

function addCanvas(layer: HTMLElement): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  const { style } = canvas;
  style.display = "block";
  style.width = style.height = "100%";
  layer.replaceChildren(canvas);
  return canvas;
}

/** Draws on the page itself. */
export function pageEngine(kind: "canvas" | "dom", context: EngineContext): Engine {
  const { layer, settings } = context;
  const painter =
    kind === "dom"
      ? new DomPainter(layer, settings, context.clicked)
      : new CanvasPainter("canvas", addCanvas(layer), settings);
  const player = new Player(settings, painter, threadHost(context.report));
  return { kind, send: (command) => player.take(command), destroy: () => player.destroy() };
}

/** Whether a canvas can be handed to a worker here, and drawn on there. */
export function canUseWorker(): boolean {
  return (
    typeof Worker !== "undefined" &&
    typeof OffscreenCanvas !== "undefined" &&
    "transferControlToOffscreen" in HTMLCanvasElement.prototype
  );
}

/** Commands of which only the latest counts. */
const LATEST: readonly Command["do"][] = ["settings", "resize", "visible", "follow", "mask", "load"];

/**
 * Draws in a worker. Until it is ready, commands wait.
 * @param failed called instead with what has waited, where the worker does not start
 */
export function workerEngine(
  createWorker: () => Worker,
  context: EngineContext,
  failed: (waiting: readonly Command[]) => void,
): Engine {
  let waiting: Command[] | undefined = [];
  let worker: Worker | undefined;
  const giveUp = (): void => {
    if (waiting === undefined) return;
    const commands = waiting;
    destroy();
    failed(commands);
  };
  const destroy = (): void => {
    clearTimeout(timer);
    waiting = undefined;
    worker?.terminate();
    worker = undefined;
  };
  const begin = (): void => {
    clearTimeout(timer);
    const canvas = addCanvas(context.layer).transferControlToOffscreen();
    worker?.postMessage({ do: "begin", canvas, settings: context.settings }, [canvas]);
    const commands = waiting ?? [];
    waiting = undefined;
    for (const command of commands) send(command);
  };
  const send = (command: Command): void => {
    if (waiting !== undefined) {
      // In the place of the earlier one: a comment that waits behind it must find the stage's size.
      const earlier = LATEST.includes(command.do) ? waiting.findIndex((each) => each.do === command.do) : -1;
      const before = waiting[earlier];
      // Whoever waits for it would wait for ever.
      if (before?.do === "load") context.report({ is: "loaded", id: before.id });
      if (earlier >= 0) waiting[earlier] = command;
      else if (waiting.length < STARTING_COMMANDS_MAX) waiting.push(command);
      return;
    }
    const bitmap = command.do === "mask" && command.mask !== null && "close" in command.mask;
    worker?.postMessage(command, bitmap ? [command.mask as ImageBitmap] : []);
  };
  const timer = setTimeout(giveUp, START_MS_MAX);
  try {
    worker = createWorker();
    worker.onerror = giveUp;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.is === "ready") begin();
      else context.report(data);
    };
  } catch {
    // Not at once: whoever called has no engine yet.
    queueMicrotask(giveUp);
  }
  return { kind: "worker", send, destroy };
}
