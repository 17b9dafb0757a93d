import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { freshRoom, mountSmallDisk, PATIENCE, RoomApi, startNode, Viewer, waitFor } from "@danmakud/testkit";

setDefaultTimeout(4 * PATIENCE.conditionMs);

const MIB = 1024 * 1024;
const disk = mountSmallDisk(6 * MIB);
if (typeof disk === "string") console.log(`left out: a full disk; ${disk}`);
afterAll(() => {
  if (typeof disk !== "string") disk.remove();
});

/** 200 code points, 600 bytes: a few thousand fill the disk. */
const LONG = "满".repeat(190);

test.skipIf(typeof disk === "string")(
  "on a full disk viewers stay, publishers are told, and service returns when space does",
  async () => {
    if (typeof disk === "string") return;
    await using node = await startNode({ dataDir: disk.path });
    const room = freshRoom("full");
    const api = new RoomApi(node.url, room);
    const url = node.socketUrl(room);
    const viewer = await Viewer.open({ url });
    const publisher = await Viewer.open({ url, role: "service", uid: "svc", keep: false });
    const acked = new Map<number, string>();
    const publish = async (content: string) => {
      const answer = await publisher.publish({ content });
      if (answer.type === "ack") acked.set(answer.offset, content);
      return answer;
    };

    let n = 0;
    const refusal = await waitFor(
      () => `the disk to be full; ${acked.size} acked`,
      async () => {
        const answers = await Promise.all(Array.from({ length: 200 }, () => publish(`${LONG} ${n++}`)));
        return answers.find((answer) => answer.type === "error");
      },
      { timeoutMs: 2 * PATIENCE.conditionMs },
    );
    expect(refusal).toMatchObject({ code: "unavailable" });
    const http = await api.publish({ uid: "u", content: "by HTTP" });
    expect(http).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect(http.headers.get("retry-after")).not.toBeNull();
    await viewer.ping();

    disk.resize(64 * MIB);
    await waitFor("publishing to work again", async () => (await publish(`again ${n++}`)).type === "ack");
    const answer = await publish("and again");
    expect(answer.type).toBe("ack");
    if (answer.type === "ack") await viewer.reached(answer.offset);
    expect({ faults: viewer.faults, connections: viewer.hellos.length, running: node.running }).toEqual({
      faults: [],
      connections: 1,
      running: true,
    });
    const kept = new Map((await api.all()).map((record) => [record.offset, record.content]));
    for (const [offset, content] of acked) expect(kept.get(offset)).toBe(content);
    await Promise.all([viewer.close(), publisher.close()]);
  },
);
