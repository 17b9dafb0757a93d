import { expect, test } from "bun:test";
import { EventStream, freshRoom, useNode, Viewer, waitFor } from "@danmakud/testkit";

const node = useNode({ flags: ["--threads", "2"] });

test("stats tell how many are in the room, over all threads", async () => {
  const url = node().socketUrl(freshRoom("stats"));
  const viewers = await Promise.all(
    Array.from({ length: 6 }, (_, n) => Viewer.open({ url, encoding: n % 2 === 0 ? "json" : "tlv" })),
  );
  await waitFor(
    () => `everybody to hear of six; heard ${JSON.stringify(viewers.map((viewer) => viewer.stats.at(-1)))}`,
    () => viewers.every((viewer) => viewer.stats.at(-1)?.online === 6),
  );
  await Promise.all(viewers.slice(2).map((viewer) => viewer.close()));
  await waitFor("the others to hear of two", () =>
    viewers.slice(0, 2).every((viewer) => viewer.stats.at(-1)?.online === 2),
  );
  await Promise.all(viewers.slice(0, 2).map((viewer) => viewer.close()));
});

test("an event stream with nothing to tell has comments, so that nobody in between gives it up", async () => {
  const stream = await EventStream.open(`${node().url}/v1/rooms/${freshRoom("quiet")}/events`);
  await waitFor("two comments", () => stream.comments >= 2, { timeoutMs: 60_000 });
  expect(stream.ended).toBe(false);
  stream.close();
});
