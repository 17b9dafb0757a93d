/** What page and worker say to each other. The worker speaks first: `ready`; the page hands over its canvas. */
import type { Command, Report } from "./player.ts";
import type { Settings } from "./types.ts";

export type ToWorker =
  | Command
  | { readonly do: "begin"; readonly canvas: OffscreenCanvas; readonly settings: Settings };

export type FromWorker = Report | { readonly is: "ready" };
