/** One room of a service of many nodes: its audience on all of them, its publisher, and what both make of it. */
import { Publisher, RoomLedger, type TestNode, Viewer, waitFor } from "@danmakud/testkit";
import type { Cue } from "./scale.ts";

export class House {
  readonly room: string;
  readonly viewers: Viewer[] = [];
  readonly publisher: Publisher;
  readonly ledger = new RoomLedger();
  /** Head that each viewer was greeted with first. */
  readonly #starts: number[] = [];
  readonly #nodes: readonly TestNode[];
  #published = 0;

  constructor(room: string, nodes: readonly TestNode[], number: number) {
    this.room = room;
    this.#nodes = nodes;
    this.publisher = new Publisher({ url: () => this.#door(number), uid: "publisher" });
  }

  /** Lets viewers in, one node after the other, half of them with each encoding. */
  async enter(count: number): Promise<void> {
    const entering = Array.from({ length: count }, (_, index) =>
      Viewer.open({
        url: () => this.#door(index),
        encoding: Math.floor(index / this.#nodes.length) % 2 === 0 ? "json" : "tlv",
        uid: `viewer-${index}`,
        ledger: this.ledger,
        keep: false,
        reconnect: true,
      }),
    );
    this.viewers.push(...(await Promise.all(entering)));
    for (const viewer of this.viewers) this.#starts.push(viewer.hello.head);
    await waitFor("a publisher", () => this.publisher.ready);
  }

  get published(): number {
    return this.#published;
  }

  publish(content: string): void {
    this.publisher.publish({ content, uid: `cue-${this.#published++}` });
  }

  /** Publishes what is due at `nowMs`, at most so much at once and without an answer. @returns how much it was. */
  publishDue(cues: readonly Cue[], nowMs: number, most: number, pendingMax: number): number {
    let count = 0;
    for (; count < most && this.publisher.pending < pendingMax; count++) {
      const cue = cues[this.#published];
      if (cue === undefined || cue.atMs > nowMs) break;
      this.publish(cue.content);
    }
    return count;
  }

  /** Everything that anybody in the room found wrong. */
  faults(): string[] {
    return [
      ...this.viewers.flatMap((viewer, index) =>
        viewer.faults.map((fault) => `${this.room} ${index}: ${fault}`),
      ),
      ...this.publisher.faults,
      ...this.publisher.refused,
      ...this.ledger.conflicts,
    ];
  }

  get deliveries(): number {
    return this.viewers.reduce((sum, viewer) => sum + viewer.offsets.length, 0);
  }

  /** Epochs that began while the audience was there. */
  get newEpochs(): number {
    return Math.max(...this.viewers.map((viewer) => viewer.coverage.resets));
  }

  /** Whether each viewer was told of a new epoch that begins above `offset`. */
  wasAnnounced(offset: number): boolean {
    return this.viewers.every(({ coverage }) => coverage.cutOff.some(({ to }) => to >= offset));
  }

  /**
   * Danmaku that the archive has under two offsets, in words; but for those that a worker had before a failover lost them
   * unacked, and that were then published again.
   */
  heldTwice(archived: ReadonlyMap<number, { readonly uid: string }>): string[] {
    const last = new Map<string, number>();
    for (const [offset, { uid }] of archived) last.set(uid, Math.max(offset, last.get(uid) ?? 0));
    return [...archived]
      .filter(([offset, { uid }]) => offset !== last.get(uid))
      .filter(([offset]) => this.publisher.acked.has(offset) || !this.#wasToldLost(offset))
      .map(([offset, { uid }]) => `${this.room}: ${uid} at ${offset} and ${last.get(uid)}`);
  }

  #wasToldLost(offset: number): boolean {
    const isLost = this.viewers[0]?.gaps.some(
      ({ from, to, reason }) => reason === "lost" && offset >= from && offset <= to,
    );
    return isLost === true || this.wasAnnounced(offset);
  }

  /** What viewers were due of `offsets` (ascending) and did not see, in words; but for what a new epoch cut off. */
  missed(offsets: readonly number[]): string[] {
    return this.viewers.flatMap((viewer, index) => {
      const seen = new Set(viewer.offsets);
      const { cutOff } = viewer.coverage;
      const missed = offsets.filter(
        (offset) =>
          offset > (this.#starts[index] as number) &&
          !seen.has(offset) &&
          !cutOff.some(({ from, to }) => offset >= from && offset <= to),
      );
      const [first] = missed;
      if (first === undefined) return [];
      const gap = viewer.gaps.find(({ from, to }) => first >= from && first <= to);
      return [`${this.room} viewer ${index}: ${missed.length} from ${first} (${gap?.reason ?? "silently"})`];
    });
  }

  /** Viewers for whom a new epoch cut off something of `offsets`, with how much. */
  cutOff(offsets: readonly number[]): number {
    let count = 0;
    for (const { coverage, offsets: seen } of this.viewers) {
      if (coverage.cutOff.length === 0) continue;
      const known = new Set(seen);
      for (const { from, to } of coverage.cutOff)
        count += offsets.filter((offset) => offset >= from && offset <= to && !known.has(offset)).length;
    }
    return count;
  }

  async leave(): Promise<void> {
    await Promise.all([...this.viewers, this.publisher].map((each) => each.close()));
  }

  /** A node that runs; whoever was on one that died goes to another. */
  #door(preferred: number): string {
    const running = this.#nodes.filter((node) => node.running);
    const own = this.#nodes[preferred % this.#nodes.length] as TestNode;
    const node = own.running ? own : (running[preferred % running.length] ?? own);
    return node.socketUrl(this.room);
  }
}
