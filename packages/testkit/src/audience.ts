import type { DanmakuRecord } from "@danmakud/wire";
import type { TestNode } from "./node.ts";
import type { ViewerStart } from "./offset-coverage.ts";
import { RoomLedger } from "./room-ledger.ts";
import { Viewer } from "./viewer.ts";

/** Many viewers of one room, half of each encoding, that share a ledger. */
export class Audience {
  readonly ledger = new RoomLedger();
  readonly viewers: Viewer[] = [];
  readonly #node: TestNode;
  readonly #room: string;

  constructor(node: TestNode, room: string) {
    this.#node = node;
    this.#room = room;
  }

  /** Lets `count` more viewers in. They come back by themselves after every loss of their connection. */
  async enter(count: number, start: ViewerStart = { kind: "head" }): Promise<readonly Viewer[]> {
    const entering = Array.from({ length: count }, (_, index) =>
      Viewer.open({
        url: this.#node.socketUrl(this.#room),
        encoding: index % 2 === 0 ? "json" : "tlv",
        uid: `viewer-${this.viewers.length + index}`,
        ledger: this.ledger,
        keep: false,
        reconnect: true,
        start,
      }),
    );
    const entered = await Promise.all(entering);
    this.viewers.push(...entered);
    return entered;
  }

  /** Danmaku received, all viewers together. */
  get deliveries(): number {
    return this.viewers.reduce((sum, viewer) => sum + viewer.offsets.length, 0);
  }

  /** Everything that any viewer found wrong, and every offset that named two danmaku. */
  faults(): string[] {
    const faults = this.viewers.flatMap((viewer, index) =>
      viewer.faults.map((fault) => `viewer ${index}: ${fault}`),
    );
    return [...faults, ...this.ledger.conflicts];
  }

  /** Waits until everybody has everything up to `offset`. */
  async reached(offset: number, timeoutMs: number): Promise<void> {
    await Promise.all(this.viewers.map((viewer) => viewer.reached(offset, timeoutMs)));
  }

  async leave(): Promise<void> {
    await Promise.all(this.viewers.map((viewer) => viewer.close()));
  }
}

/** Offsets of `history` from the first that `viewer` was due and never saw. */
export function missedOffsets(viewer: Viewer, history: readonly DanmakuRecord[], start: number): number[] {
  const seen = new Set(viewer.offsets);
  return history.map((record) => record.offset).filter((offset) => offset > start && !seen.has(offset));
}
