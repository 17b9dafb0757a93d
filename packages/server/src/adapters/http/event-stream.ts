import type { Hub, ViewerId, ViewerSink } from "@danmakud/core/rooms";

/** How the joining of a stream's viewer ended: with its first frame, or with a close code. */
export type Opening =
  | { readonly opened: true }
  | { readonly opened: false; readonly code: number; readonly reason: string };

const COMMENT = new TextEncoder().encode(":\n\n");

const encoder = new TextEncoder();
let lastText = "";
let lastBytes = new Uint8Array();

/** The hub gives all viewers at one position the same text; it is encoded once for all of them. */
function encodeShared(text: string): Uint8Array {
  if (text !== lastText) {
    lastBytes = encoder.encode(text);
    lastText = text;
  }
  return lastBytes;
}

/**
 * The sending end of a viewer that reads Server-Sent Events: from the hub's frames to the body of a response. The
 * runtime pulls from `body` as fast as the socket takes it; what is not pulled counts against a byte bound.
 *
 * States: *joining* (no frame yet; the response waits for `opening`), *open*, *ended*. Ended is final; whichever comes
 * first leads there: the client goes (`cancel`), the request is aborted (`abandon`) or the hub closes. It leaves the
 * hub exactly once.
 */
export class EventStream implements ViewerSink {
  /** The response's body. */
  readonly body: ReadableStream<Uint8Array>;
  /** Settles once. */
  readonly opening: Promise<Opening>;
  readonly #hub: Hub;
  readonly #queueBytes: number;
  readonly #onEnd: () => void;
  readonly #settle: (opening: Opening) => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #viewer: ViewerId | undefined;
  #state: "joining" | "open" | "ended" = "joining";
  /** The hub was told −1 and waits for `drained`. */
  #behind = false;

  /** @param onEnd Told once when the stream has ended, for timers and the like. */
  constructor(hub: Hub, queueBytes: number, onEnd: () => void) {
    this.#hub = hub;
    this.#queueBytes = queueBytes;
    this.#onEnd = onEnd;
    const { promise, resolve } = Promise.withResolvers<Opening>();
    this.opening = promise;
    this.#settle = resolve;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pulled(),
        cancel: () => this.abandon(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: queueBytes }),
    );
  }

  /** Nothing more will come. */
  get ended(): boolean {
    return this.#state === "ended";
  }

  /** Names the viewer that this is the sink of. The hub may have sent, or even closed, before it gave out the number. */
  attach(viewer: ViewerId): void {
    this.#viewer = viewer;
    if (this.#state === "ended") this.#hub.leave(viewer);
  }

  send(frame: Uint8Array | string): number {
    // A viewer that is behind gets nothing more into its queue: one frame past the bound is the most it may cost.
    if (this.#state === "ended" || this.#controller === undefined || this.#behind) return 0;
    const bytes = typeof frame === "string" ? encodeShared(frame) : frame;
    this.#controller.enqueue(bytes);
    if (this.#state === "joining") {
      this.#state = "open";
      this.#settle({ opened: true });
    }
    if ((this.#controller.desiredSize ?? 0) > 0) return bytes.byteLength;
    this.#behind = true;
    return -1;
  }

  /**
   * Ends the stream from the server's side. A client that was connected is told why in an event named `close`, and by
   * `retry` when to come back where the reason says so.
   */
  close(code: number, reason: string): void {
    if (this.#state === "ended") return;
    const joining = this.#state === "joining";
    if (!joining) {
      this.#controller?.enqueue(encoder.encode(farewell(code, reason)));
      this.#controller?.close();
    }
    this.#end();
    if (joining) this.#settle({ opened: false, code, reason });
  }

  /** The client is gone, or nobody waits for the answer any more. */
  abandon(): void {
    if (this.#state === "ended") return;
    const joining = this.#state === "joining";
    this.#end();
    if (joining) this.#settle({ opened: false, code: 1006, reason: "" });
  }

  /** Breaks the silence; nothing for a client that does not read anyway. */
  comment(): void {
    if (this.#state === "open" && !this.#behind) this.#controller?.enqueue(COMMENT);
  }

  #pulled(): void {
    if (!this.#behind || this.#viewer === undefined || this.#state === "ended") return;
    if ((this.#controller?.desiredSize ?? 0) < this.#queueBytes) return;
    this.#behind = false;
    this.#hub.drained(this.#viewer);
  }

  #end(): void {
    this.#state = "ended";
    this.#onEnd();
    if (this.#viewer !== undefined) this.#hub.leave(this.#viewer);
  }
}

function farewell(code: number, reason: string): string {
  const retry = retryAfterMs(reason);
  const event = `event: close\ndata: ${JSON.stringify({ code, reason })}\n\n`;
  return retry === undefined ? event : `retry: ${retry}\n${event}`;
}

/** A close reason may be the JSON of when to come back (`4000 draining`); undefined where it is not. */
export function retryAfterMs(reason: string): number | undefined {
  if (!reason.startsWith("{")) return undefined;
  const found = /"retryAfterMs":\s*(\d{1,9})\b/.exec(reason)?.[1];
  return found === undefined ? undefined : Number(found);
}
