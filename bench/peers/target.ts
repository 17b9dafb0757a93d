/**
 * A system under load, as the load generator sees it. One file per system, registered in `index.ts`.
 *
 * `viewer` and `publisher` are used in other processes than `prepare` and `start`: they are found again by the system's
 * name, so they hold no state and nothing that `start` found out. The room, topic or channel is a constant.
 */
import { countPayloads } from "../load/payload.ts";

export type SystemName =
  | "danmakud"
  /** The same with settings of viewers and publisher, see `danmakud.ts`. */
  | `danmakud?${string}`
  | "bun-pubsub"
  | "ws"
  | "socket.io"
  | "nchan"
  | "centrifugo"
  /** The library that Centrifugo is made of, in a server of our own. */
  | "centrifuge"
  /** A bare Bun send loop: no system, but the floor that the kernel sets. */
  | "baseline";

/** A WebSocket message: text for a string, else binary. */
export type Message = string | Uint8Array;

export interface StartOptions {
  /** To listen on, 127.0.0.1 only. */
  readonly port: number;
  /**
   * For systems whose documentation leaves batching to the program: gather what is published for about so long and send
   * it as one message. Undefined: the system's best for P99 ≤ 25 ms at 2,000 viewers. 0: do not gather.
   */
  readonly gatherMs?: number;
  /** For danmakud, which paces itself: the latency within which it may gather. Undefined: its default. */
  readonly latencyTargetMs?: number;
}

export interface Server {
  /** Root of the process tree whose CPU is counted. */
  readonly pid: number;
  /** Ends it, children included, and removes what it wrote. Does not fail where it is gone already. */
  stop(): Promise<void>;
}

/** What was seen in messages. The reader adds to it. */
export interface Tally {
  /** Payloads. */
  records: number;
  /** Payloads that the system said it left out for this viewer. */
  skipped: number;
}

export interface ViewerFace {
  /** Path and query of the upgrade request of viewer number `viewer`, from 0. */
  path(viewer: number): string;
  /** `Sec-WebSocket-Protocol`, where one is to be asked for. */
  readonly subprotocol?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent right after the upgrade, for example a subscribe command. */
  readonly hello?: readonly Message[];
  /** The message as it was before it was compressed; all else is asked about that one. */
  unpack?(message: Uint8Array): Uint8Array;
  /** Whether this message says that the viewer is joined. Left out where the upgrade already says it. */
  isJoined?(message: Uint8Array): boolean;
  /**
   * Counts what a message holds. `countPayloads` does for every envelope that leaves the payload's text as it is; the
   * generator keeps the tally of a message and reuses it for the next viewers that get the same bytes.
   */
  count(message: Uint8Array, into: Tally): void;
  /** Answer to a ping of the system's own; asked for messages without records. WebSocket pings are answered anyway. */
  reply?(message: Uint8Array): Message | undefined;
}

/** Answers to what was published, where the system gives any. */
export interface Answers {
  accepted: number;
  refused: number;
}

/** Publishes over one WebSocket connection, which needs no answers to go on. */
export interface WebSocketPublisher {
  readonly kind: "websocket";
  readonly path: string;
  readonly subprotocol?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly hello?: readonly Message[];
  isReady?(message: Uint8Array): boolean;
  /** Messages that publish these payloads, in order. `first` is the number of the first: unique ids count from it. */
  encode(payloads: readonly string[], first: number): readonly Message[];
  reply?(message: Uint8Array): Message | undefined;
  /** Counts answers in a message from the server. Left out: all that is sent counts as accepted. */
  answers?(message: Uint8Array, into: Answers): void;
}

/** Publishes by requests on one kept-alive HTTP/1.1 connection, pipelined. Status 2xx accepts a whole request. */
export interface HttpPublisher {
  readonly kind: "http";
  /** Requests that publish these payloads, in order; `payloads` says how many each carries. */
  encode(
    payloads: readonly string[],
    first: number,
  ): readonly {
    readonly method: "POST" | "PUT";
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body: string;
    readonly payloads: number;
  }[];
}

export interface Target {
  readonly name: SystemName;
  /** What is set that matters, for the report (gathering, encoding, version …). */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** What `StartOptions.gatherMs` is where none is given; left out by systems that pace themselves. */
  readonly gatherMs?: number;
  /** Why it cannot run here, or undefined. Installs what is allowed to be installed. */
  prepare(): Promise<string | undefined>;
  /** Resolves when it accepts connections. */
  start(options: StartOptions): Promise<Server>;
  readonly viewer: ViewerFace;
  readonly publisher: WebSocketPublisher | HttpPublisher;
}

/** `count` for envelopes that leave the payload as it is. */
export function tallyPayloads(message: Uint8Array, into: Tally): void {
  into.records += countPayloads(message);
}
