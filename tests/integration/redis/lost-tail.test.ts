/** A failover that loses what was acked a moment before: nobody goes on as if it had not been. */
import { expect, setDefaultTimeout, test } from "bun:test";
import {
  freshRoom,
  PATIENCE,
  Publisher,
  REDIS_AVAILABLE,
  RoomApi,
  RoomLedger,
  replicaHasAll,
  startNode,
  startSentinel,
  type TestNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";

setDefaultTimeout(2 * PATIENCE.bulkMs);
if (!REDIS_AVAILABLE) console.log("left out: a tail that a failover loses; there is no redis-server");

test.skipIf(!REDIS_AVAILABLE)(
  "what one node has shown and a failover lost is announced, although another node that knows nothing of it writes first",
  async () => {
    await using redis = await startSentinel();
    const [master, replica] = redis.servers as [(typeof redis.servers)[0], (typeof redis.servers)[0]];
    await using saw = await startNode({ flags: ["--redis", redis.url] });
    await using missed = await startNode({ flags: ["--redis", redis.url] });
    const room = freshRoom("lost");
    const ledger = new RoomLedger();
    const enter = (node: TestNode) =>
      Viewer.open({
        url: node.socketUrl(room),
        ledger,
        reconnect: true,
        start: { kind: "last", records: 9 },
      });
    const viewers = [await enter(saw)];
    const first = new Publisher({ url: saw.socketUrl(room), uid: "first" });
    await first.publish({ content: "kept" });
    await replicaHasAll(redis, room);

    await replica.kill();
    const lost = await first.publish({ content: "lost" });
    await viewers[0]?.saw("lost");
    process.kill(saw.pid, "SIGSTOP");
    await master.kill();
    await replica.start();
    await waitFor("the replica to take over", async () => (await redis.masterOf(room)) === replica, {
      timeoutMs: PATIENCE.bulkMs,
    });
    const second = new Publisher({ url: missed.socketUrl(room), uid: "second" });
    const jumped = await second.publish({ content: "by one who knows nothing" });
    viewers.push(await enter(missed));
    process.kill(saw.pid, "SIGCONT");
    // By what it hears, before it has anything to write.
    await viewers[0]?.reached(jumped, PATIENCE.bulkMs);
    await first.publish({ content: "after all" });
    await second.publish({ content: "the last" });
    const history = await new RoomApi(saw.url, room).all();
    const contents = history.map(({ content }) => content);
    expect(contents).toEqual(["kept", "by one who knows nothing", "after all", "the last"]);
    const head = history.at(-1)?.offset ?? 0;
    await Promise.all(viewers.map((viewer) => viewer.reached(head)));
    expect(ledger.epochs).toHaveLength(2);
    for (const viewer of viewers) {
      expect(viewer.hello.epoch).toBe(ledger.epochs[1] as string);
      expect(viewer.faults).toEqual([]);
    }
    expect(ledger.conflicts).toEqual([]);
    // Nothing that came later has an offset that the lost one could be taken for.
    for (const { content, offset } of history) if (content !== "kept") expect(offset).toBeGreaterThan(lost);
    await Promise.all([...viewers, first, second].map((each) => each.close()));
  },
);
