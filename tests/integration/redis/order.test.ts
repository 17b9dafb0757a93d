import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  freshRoom,
  PATIENCE,
  Publisher,
  REDIS_AVAILABLE,
  REDIS_TOPOLOGIES,
  RoomApi,
  RoomLedger,
  startNode,
  type TestNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";
import type { DanmakuRecord } from "@danmakud/wire";

setDefaultTimeout(2 * PATIENCE.bulkMs);

const ROOMS = 4;
const NODES = 3;
const PER_PUBLISHER = 400;

if (!REDIS_AVAILABLE) console.log("left out: many nodes on Redis; there is no redis-server");

/** Everybody's view of one room. */
class WatchedFrom {
  readonly room: string;
  readonly ledger = new RoomLedger();
  readonly viewers: Viewer[] = [];
  readonly publishers: Publisher[] = [];
  /** By each of them. */
  published = 0;

  constructor(room: string) {
    this.room = room;
  }

  async enter(nodes: readonly TestNode[]): Promise<void> {
    for (const [index, node] of nodes.entries()) {
      const encodings = ["json", "tlv"] as const;
      for (const encoding of encodings) {
        this.viewers.push(
          await Viewer.open({
            url: node.socketUrl(this.room),
            uid: `viewer-${index}-${encoding}`,
            encoding,
            ledger: this.ledger,
            reconnect: true,
          }),
        );
      }
      this.publishers.push(new Publisher({ url: node.socketUrl(this.room), uid: `publisher-${index}` }));
    }
    await waitFor("publishers", () => this.publishers.every((publisher) => publisher.ready));
  }

  /** Everybody publishes, until told to stop. */
  async publishWhile(isOn: () => boolean): Promise<void> {
    for (; isOn() || this.published < PER_PUBLISHER; this.published++) {
      for (const publisher of this.publishers)
        publisher.publish({ content: `${this.room} ${this.published}` });
      await Bun.sleep(5);
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.publishers.map((publisher) => publisher.settled(PATIENCE.bulkMs)));
  }

  faults(): string[] {
    return [
      ...this.viewers.flatMap((viewer, index) => viewer.faults.map((fault) => `viewer ${index}: ${fault}`)),
      ...this.publishers.flatMap((publisher) => publisher.faults),
      ...this.ledger.conflicts,
    ];
  }

  async leave(): Promise<void> {
    await Promise.all([...this.viewers, ...this.publishers].map((each) => each.close()));
  }
}

async function startNodes(url: string): Promise<AsyncDisposable & { readonly nodes: readonly TestNode[] }> {
  const nodes = await Promise.all(
    Array.from({ length: NODES }, () => startNode({ flags: ["--redis", url, "--threads", "2"] })),
  );
  return {
    nodes,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

for (const [topology, start] of Object.entries(REDIS_TOPOLOGIES)) {
  describe.skipIf(!REDIS_AVAILABLE)(`three nodes on Redis (${topology})`, () => {
    test("show every danmaku once and in one order, over the death of a node and of a server", async () => {
      await using redis = await start();
      await using service = await startNodes(redis.url);
      const { nodes } = service;
      const rooms = Array.from({ length: ROOMS }, () => new WatchedFrom(freshRoom("shared")));
      for (const room of rooms) await room.enter(nodes);
      try {
        let isOn = true;
        const publishing = rooms.map((room) => room.publishWhile(() => isOn));
        const acked = () => Math.min(...rooms.map((room) => room.publishers[0]!.acked.size));
        await waitFor("a part of it", () => acked() > 50);
        await nodes[2]!.kill("SIGKILL");
        await nodes[2]!.restart();
        if (topology === "standalone") await redis.servers[0]!.restart("SIGKILL");
        else await redis.failOver(rooms[0]!.room);
        const before = acked();
        await waitFor("service again", () => acked() > before + 50, { timeoutMs: PATIENCE.bulkMs });
        isOn = false;
        await Promise.all(publishing);
        for (const room of rooms) await room.settled();

        for (const room of rooms) {
          const history = await new RoomApi(nodes[0]!.url, room.room).all();
          const head = history.at(-1)!.offset;
          await Promise.all(room.viewers.map((viewer) => viewer.reached(head, PATIENCE.bulkMs)));
          expect(room.faults()).toEqual([]);
          const last = room.viewers[0]!.hello.epoch;
          for (const viewer of room.viewers) {
            expect(viewer.hello.epoch).toBe(last);
            expect(unlike(viewer, history)).toEqual([]);
          }
          const acked = room.publishers.flatMap((publisher) => [...publisher.acked.values()]);
          expect(acked.length).toBe(NODES * room.published);
          const isWhole = room.viewers.every((viewer) => viewer.coverage.resets === 0);
          if (isWhole) {
            expect(history.length).toBe(acked.length);
            for (const viewer of room.viewers) expect(viewer.danmaku.length).toBe(history.length);
          }
          console.log(
            `${topology} ${room.room}: ${history.length} in the log, ${acked.length} acked, head ${head}, new epochs ${room.viewers[0]!.coverage.resets}, gaps ${room.viewers[0]!.gaps.map((gap) => `${gap.from}-${gap.to} ${gap.reason}`).join(", ")}`,
          );
        }
      } catch (error) {
        for (const node of nodes) console.log(node.log().slice(-4000));
        throw error;
      } finally {
        await Promise.all(rooms.map((room) => room.leave()));
      }
    });
  });
}

/**
 * What a viewer saw otherwise than it is in the log. Of an epoch that is over the log may have lost some, which may be there
 * once more under a new offset.
 */
function unlike(viewer: Viewer, history: readonly DanmakuRecord[]): string[] {
  const told = ({ uid, content }: DanmakuRecord) => `${uid}: ${content}`;
  const kept = new Map(history.map((record) => [record.offset, told(record)]));
  const epochFrom = viewer.coverage.cutOff.at(-1)?.to ?? 0;
  return viewer.danmaku
    .filter(({ offset }) => kept.has(offset) || offset > epochFrom)
    .filter((record) => kept.get(record.offset) !== told(record))
    .map((record) => `${record.offset} was ${told(record)}, is ${kept.get(record.offset)}`);
}
