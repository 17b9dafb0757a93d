/** What main and the other threads say to each other outside the rings. */
import type { ListedRoom } from "@danmakud/core/rooms";
import type { Page } from "@danmakud/web";
import type { ServeOptions } from "../config/index.ts";
import type { SharedMemory } from "./shared-memory.ts";

/** First message to every thread. */
export interface StartMessage {
  readonly type: "start";
  readonly memory: SharedMemory;
  readonly thread: number;
  readonly options: ServeOptions;
  /** Which life of this thread it is, 0–255; tells a restarted gateway's publishes from those before. */
  readonly incarnation: number;
  /** Gateways: the port to listen on; 0 for the first one to choose. */
  readonly port: number;
  readonly pages: ReadonlyMap<string, Page>;
  readonly bootId: string;
}

export const FAULTS = ["hang", "crash", "stuck"] as const;
/** Planted by tests: an endless loop, an uncaught exception, a call into the system that takes `ms` and that nobody can end. */
export type Fault = (typeof FAULTS)[number];

export type ToThread =
  | StartMessage
  /** Gateways: the whole node is up. */
  | { readonly type: "serving" }
  /** Gateways: stop accepting, send everybody away, then say `stopped`. Others: finish all work first. */
  | { readonly type: "stop" }
  | { readonly type: "fault"; readonly fault: Fault; readonly ms: number }
  /** Sequencer: a gateway has died. */
  | { readonly type: "gatewayGone"; readonly gateway: number }
  /** Sequencer: list rooms. Gateways get `rooms` back by main. */
  | {
      readonly type: "list";
      readonly gateway: number;
      readonly id: number;
      readonly after: string;
      readonly limit: number;
    }
  | { readonly type: "rooms"; readonly id: number; readonly rooms: readonly ListedRoom[] };

export type FromThread =
  | { readonly type: "ready"; readonly port?: number; readonly note?: string }
  | { readonly type: "stopped" }
  | { readonly type: "failed"; readonly kind: string; readonly message: string }
  | {
      readonly type: "log";
      readonly level: "info" | "warn" | "error";
      readonly message: string;
      readonly detail?: string;
    }
  | { readonly type: "list"; readonly id: number; readonly after: string; readonly limit: number }
  | {
      readonly type: "rooms";
      readonly gateway: number;
      readonly id: number;
      readonly rooms: readonly ListedRoom[];
    };
