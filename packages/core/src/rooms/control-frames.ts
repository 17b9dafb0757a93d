import {
  CLOSE_CODES,
  type DanmakuError,
  ERROR_CODES,
  encodeAck,
  encodeError,
  encodeHello,
  encodePong,
  encodeScheduled,
  encodeStats,
} from "@danmakud/wire";
import type { FrameRenderer } from "./frame-renderer.ts";
import type { ViewerId } from "./hub.ts";
import type { ViewerTable } from "./viewer-table.ts";
import type { WatchedRoom } from "./watched-room.ts";

/** Bytes gathered for one viewer before they go out: some 1,600 acks. */
const BUFFER_BYTES = 32 * 1024;
/** The largest control record: an error with its message. */
const RECORD_BYTES_RESERVED = 1024;
const MESSAGE_CHARS_MAX = 200;

/** What a viewer is greeted with, beside what its room says. */
export interface Hello {
  readonly resumed: boolean;
  /** Where the viewer starts; negative where that is found later. */
  readonly cursor: number;
  readonly online: number;
  /** Unix ms. */
  readonly serverTime: number;
}

/**
 * Answers to single viewers: hello, ack, error, pong, stats. Those for the same viewer in a row are gathered into one
 * frame, so that a thousand acks cost one write; `flush` before the thread does anything else.
 */
export class ControlFrames {
  readonly #renderer: FrameRenderer;
  readonly #table: ViewerTable;
  readonly #bytes = new Uint8Array(BUFFER_BYTES);
  #viewer = -1;
  #end = 0;

  constructor(table: ViewerTable, renderer: FrameRenderer) {
    this.#renderer = renderer;
    this.#table = table;
  }

  hello(viewer: ViewerId, room: WatchedRoom, hello: Hello): void {
    this.flush();
    const uid = this.#table.principals[viewer]?.uid ?? "";
    const { name, epoch } = room;
    const { resumed, cursor, online, serverTime } = hello;
    // Who has seen more of a room than others may yet (its delay was made longer) goes on from there.
    const head = Math.max(room.window.head, cursor);
    const helloEnd = encodeHello(this.#bytes, 0, { room: name, epoch, head, resumed, uid, serverTime });
    const end = encodeStats(this.#bytes, helloEnd, online);
    this.#send(
      viewer,
      this.#renderer.render(this.#bytes, 0, end, this.#table.encoding[viewer] as number, epoch, cursor),
    );
  }

  ack(viewer: ViewerId, id: number, offset: number): void {
    this.#turnTo(viewer);
    this.#end = encodeAck(this.#bytes, this.#end, id, offset);
  }

  scheduled(viewer: ViewerId, id: number, number: number, deliverAt: number): void {
    this.#turnTo(viewer);
    this.#end = encodeScheduled(this.#bytes, this.#end, id, number, deliverAt);
  }

  pong(viewer: ViewerId, id: number): void {
    this.#turnTo(viewer);
    this.#end = encodePong(this.#bytes, this.#end, id);
  }

  stats(viewer: ViewerId, online: number): void {
    this.#turnTo(viewer);
    this.#end = encodeStats(this.#bytes, this.#end, online);
  }

  error(viewer: ViewerId, error: DanmakuError, id?: number): void {
    this.#turnTo(viewer);
    const code = ERROR_CODES.indexOf(error.code);
    const message = error.message.slice(0, MESSAGE_CHARS_MAX).toWellFormed();
    this.#end = encodeError(this.#bytes, this.#end, code, message, id, error.retryAfterMs);
  }

  flush(): void {
    if (this.#end === 0) return;
    const viewer = this.#viewer;
    const end = this.#end;
    this.#end = 0;
    this.#viewer = -1;
    const epoch = this.#table.rooms[viewer]?.epoch ?? "";
    this.#send(
      viewer,
      this.#renderer.render(this.#bytes, 0, end, this.#table.encoding[viewer] as number, epoch),
    );
  }

  /** Makes sure that what is gathered is for this viewer and that one more record fits. */
  #turnTo(viewer: ViewerId): void {
    if (this.#viewer !== viewer || this.#end + RECORD_BYTES_RESERVED > BUFFER_BYTES) this.flush();
    this.#viewer = viewer;
  }

  #send(viewer: ViewerId, frame: Uint8Array | string): void {
    const sink = this.#table.sinks[viewer];
    if (sink === undefined) return;
    // Answers cannot be left out: who does not even take those has stopped reading for good.
    if (sink.send(frame) === 0) sink.close(CLOSE_CODES.slow_consumer, "answers were not read");
  }
}
