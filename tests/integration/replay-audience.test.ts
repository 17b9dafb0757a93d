import { expect, test } from "bun:test";
import {
  Audience,
  freshRoom,
  largeRecording,
  PATIENCE,
  RoomApi,
  sortedContents,
  startDanmakud,
  useNode,
  waitFor,
} from "@danmakud/testkit";

const node = useNode({ flags: ["--retain", "100000", "--threads", "2"] });
const SPEED = 100;

test(
  "200 viewers of a replayed recording have every danmaku once, in the same order",
  async () => {
    using recording = largeRecording();
    const count = recording.contents.length;
    const room = freshRoom("replay");
    const audience = new Audience(node(), room);
    const early = await audience.enter(100);
    const restless = await audience.enter(50);
    const began = performance.now();
    const url = `ws://127.0.0.1:${node().port}`;
    const flags = ["--room", room, "--speed", String(SPEED), "--url", url];
    await using replay = startDanmakud(["replay", recording.path, ...flags]);
    const seen = (share: number) =>
      waitFor(
        () => `${share * 100} % of the recording; ${early[0]!.offsets.length} came\n${replay.stderr()}`,
        () => early[0]!.offsets.length >= share * count,
        { timeoutMs: PATIENCE.bulkMs },
      );

    await seen(0.3);
    await Promise.all(restless.map((viewer) => viewer.drop()));
    await seen(0.5);
    await audience.enter(50, { kind: "resume", epoch: early[0]!.hello.epoch, after: 0 });
    await seen(0.7);
    await Promise.all(restless.map((viewer) => viewer.connect()));

    const result = await replay.result;
    expect({ code: result.code, output: result.code === 0 ? "" : result.stdout + result.stderr }).toEqual({
      code: 0,
      output: "",
    });
    const history = await new RoomApi(node().url, room).all();
    await audience.reached(history.at(-1)!.offset, PATIENCE.bulkMs);
    const seconds = (performance.now() - began) / 1000;
    console.log(
      `${count} comments to ${audience.viewers.length} viewers: ${audience.deliveries} deliveries in ${seconds.toFixed(1)} s`,
    );

    expect(audience.faults()).toEqual([]);
    expect(sortedContents(history)).toEqual([...recording.contents]);
    const offsets = history.map((record) => record.offset);
    for (const viewer of audience.viewers) {
      expect(viewer.gaps).toEqual([]);
      expect(
        viewer.offsets.length === offsets.length &&
          viewer.offsets.every((offset, at) => offset === offsets[at]),
      ).toBe(true);
    }
    expect(audience.ledger.size).toBe(offsets.length);
    await audience.leave();
  },
  2 * PATIENCE.bulkMs,
);
