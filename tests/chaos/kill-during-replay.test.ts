import { expect, test } from "bun:test";
import {
  Audience,
  freshRoom,
  largeRecording,
  missedOffsets,
  PATIENCE,
  Publisher,
  RoomApi,
  sortedContents,
  startDanmakud,
  useNode,
  waitFor,
} from "@danmakud/testkit";

const node = useNode({ flags: ["--retain", "100000", "--threads", "2"] });
const SPEED = 100;
const KILLS = 5;
const WITNESS = "witness ";

test(
  "a node killed five times during a replay loses nothing acked and reuses no offset",
  async () => {
    using recording = largeRecording();
    const count = recording.contents.length;
    const room = freshRoom("killed");
    const api = new RoomApi(node().url, room);
    const audience = new Audience(node(), room);
    const viewers = await audience.enter(200);
    const witness = new Publisher({ url: node().socketUrl(room), uid: "witness" });
    await witness.publish({ content: `${WITNESS}0` });
    const start = viewers[0]!.hello.head;
    const flags = ["--room", room, "--speed", String(SPEED), "--url", `ws://127.0.0.1:${node().port}`];
    await using replay = startDanmakud(["replay", recording.path, ...flags]);

    let testifying = true;
    const testimony = (async () => {
      for (let n = 1; testifying; n++) {
        witness.publish({ content: `${WITNESS}${n}` });
        await Bun.sleep(25);
      }
    })();
    for (let kill = 1; kill <= KILLS; kill++) {
      const due = (kill / (KILLS + 1)) * count;
      await waitFor(
        () => `${due} danmaku before kill ${kill}; ${viewers[0]!.offsets.length} came\n${replay.stderr()}`,
        () => viewers[0]!.offsets.length >= due,
        { timeoutMs: PATIENCE.bulkMs },
      );
      await node().kill("SIGKILL");
      await node().restart();
    }

    const result = await replay.result;
    testifying = false;
    await testimony;
    await witness.settled(PATIENCE.bulkMs);
    expect({ code: result.code, output: result.code === 0 ? "" : result.stdout + result.stderr }).toEqual({
      code: 0,
      output: "",
    });
    const history = await api.all();
    await audience.reached(history.at(-1)!.offset, PATIENCE.bulkMs);

    const lost = viewers.map((viewer) => viewer.gaps.filter((gap) => gap.reason === "lost").length);
    console.log(
      `${result.stdout.trim()}\n${history.length} in history, ${audience.deliveries} deliveries, ${lost[0]} gaps "lost" at the first viewer`,
    );

    // Nothing acked is missing from history, and nothing is there twice.
    const kept = new Map(history.map((record) => [record.offset, record.content]));
    for (const [offset, content] of witness.acked) expect(kept.get(offset)).toBe(content);
    const replayed = history.filter((record) => !record.content.startsWith(WITNESS));
    expect(sortedContents(replayed)).toEqual([...recording.contents]);
    expect(history.length - replayed.length).toBe(witness.acked.size);
    // No offset names two danmaku, and no hole was silent.
    const { epoch } = viewers[0]!.hello;
    for (const record of history) audience.ledger.observe(epoch, record);
    expect(audience.faults()).toEqual([]);
    expect(audience.ledger.epochs).toEqual([epoch]);
    // What is in the log came to everybody: a gap never stands for a danmaku that exists.
    for (const viewer of viewers) {
      expect(viewer.coverage.resets).toBe(0);
      expect(missedOffsets(viewer, history, start)).toEqual([]);
    }
    await Promise.all([audience.leave(), witness.close()]);
  },
  3 * PATIENCE.bulkMs,
);
