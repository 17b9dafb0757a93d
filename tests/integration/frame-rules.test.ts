import { describe, expect, test } from "bun:test";
import { freshRoom, RawClient, undisturbed, useNode, Viewer, waitFor } from "@danmakud/testkit";

const node = useNode();

/** Opens a service's connection to a room of its own. */
async function open(encoding: "json" | "tlv" = "json"): Promise<Viewer> {
  return await Viewer.open({
    url: node().socketUrl(freshRoom("frames")),
    role: "service",
    uid: "svc",
    encoding,
  });
}

/** Sends one frame and returns the codes of the errors it is answered with; the connection must live on. */
async function refusals(viewer: Viewer, frame: string | Uint8Array<ArrayBuffer>): Promise<string[]> {
  const before = viewer.errors.length;
  viewer.sendFrame(frame);
  await viewer.ping();
  return viewer.errors.slice(before).map((error) => error.code);
}

/** A publish whose frame has exactly `bytes` bytes. */
function padded(bytes: number): string {
  const frame = JSON.stringify({ type: "publish", id: 900, content: "padded" });
  return frame + " ".repeat(bytes - frame.length);
}

describe("text frames that are wrong as a whole", () => {
  const broken: [string, string][] = [
    ["nothing", ""],
    ["half an object", '{"type":"publish","id":1,"con'],
    ["no JSON", "hello"],
    ["a number", "5"],
    ["null", "null"],
    ["a string", '"publish"'],
    ["an unknown type", '{"type":"subscribe","id":1}'],
    ["a type of the server", '{"type":"danmaku","id":1,"content":"x"}'],
    ["no type", '{"id":1,"content":"x"}'],
    ["an array in an array", '[[{"type":"ping","id":1}]]'],
    ["deep nesting", "[".repeat(60_000)],
    ["deep nesting, closed", `${"[".repeat(30_000)}${"]".repeat(30_000)}`],
    ["single quotes", "{'type':'ping','id':1}"],
    ["a trailing comma", '[{"type":"publish","id":1,"content":"x"},]'],
  ];
  test.each(broken)("%s", async (_name, frame) => {
    const viewer = await open();
    expect(await refusals(viewer, frame)).toEqual(["invalid_message"]);
    expect(viewer.danmaku).toEqual([]);
    await viewer.close();
  });

  test("a binary frame where text is due", async () => {
    const viewer = await open();
    expect(await refusals(viewer, new TextEncoder().encode('{"type":"ping","id":1}'))).toEqual([
      "invalid_message",
    ]);
    await viewer.close();
  });
});

describe("binary frames that are wrong as a whole", () => {
  const broken: [string, number[]][] = [
    ["nothing but zeros", [0, 0, 0, 0]],
    ["a length past the end", [0xff, 0xff, 9, 0]],
    ["a length below the header", [2, 0, 9, 0]],
    ["three bytes", [8, 0, 9]],
    ["noise", Array.from({ length: 64 }, (_, at) => (at * 167 + 13) & 0xff)],
  ];
  test.each(broken)("%s", async (_name, bytes) => {
    const viewer = await open("tlv");
    expect(new Set(await refusals(viewer, Uint8Array.from(bytes)))).toEqual(new Set(["invalid_message"]));
    await viewer.close();
  });

  test("a text frame where binary is due", async () => {
    const viewer = await open("tlv");
    expect(await refusals(viewer, '{"type":"ping","id":1}')).toEqual(["invalid_message"]);
    await viewer.close();
  });
});

describe("many messages in a frame", () => {
  test("1,000 are each answered, in order of the log", async () => {
    const viewer = await open();
    const frame = Array.from({ length: 1000 }, (_, id) => ({
      type: "publish",
      id: id + 1,
      content: String(id),
    }));
    viewer.sendFrame(JSON.stringify(frame));
    await waitFor("1,000 danmaku", () => viewer.danmaku.length === 1000);
    expect(viewer.danmaku.map((danmaku) => Number(danmaku.content))).toEqual([...Array(1000).keys()]);
    expect(viewer.errors).toEqual([]);
    expect(viewer.faults).toEqual([]);
    await viewer.close();
  });

  test("1,001 are too many", async () => {
    const viewer = await open();
    const frame = JSON.stringify(Array.from({ length: 1001 }, (_, id) => ({ type: "ping", id: id + 1000 })));
    expect(frame.length).toBeLessThan(64 * 1024);
    expect(await refusals(viewer, frame)).toEqual(["too_large"]);
    await viewer.close();
  });

  test("10,000 publishes in one frame reach nobody", async () => {
    const room = freshRoom("flood");
    await undisturbed(node(), room, async () => {
      const viewer = await Viewer.open({ url: node().socketUrl(room) });
      const frame = Array.from({ length: 10_000 }, (_, id) => ({
        type: "publish",
        id: id + 1000,
        content: "6",
      }));
      expect(await refusals(viewer, JSON.stringify(frame))).toEqual(["too_large"]);
      expect(viewer.danmaku).toEqual([]);
      await viewer.close();
    });
  });

  test("a bad message does not spoil its neighbours", async () => {
    const viewer = await open();
    const publish = (id: number, content: string) => ({ type: "publish", id, content });
    viewer.sendFrame(JSON.stringify([publish(901, "one"), publish(902, ""), 7, publish(903, "two")]));
    await viewer.saw("two");
    await viewer.ping();
    expect(viewer.danmaku.map((danmaku) => danmaku.content)).toEqual(["one", "two"]);
    expect(viewer.errors.filter((error) => error.code === "invalid_message")).toHaveLength(2);
    expect(viewer.errors.some((error) => error.id === 902)).toBe(true);
    await viewer.close();
  });
});

describe("large frames", () => {
  test("64 KiB pass, one byte more is too large", async () => {
    const viewer = await open();
    expect(await refusals(viewer, padded(64 * 1024))).toEqual([]);
    await viewer.saw("padded");
    expect(await refusals(viewer, padded(64 * 1024 + 1))).toEqual(["too_large"]);
    expect(viewer.danmaku).toHaveLength(1);
    await viewer.close();
  });

  test.each([1_000_000, 2 * 1024 * 1024])(
    "%d bytes are too large, and the connection stays",
    async (bytes) => {
      const viewer = await open();
      expect(await refusals(viewer, padded(bytes))).toEqual(["too_large"]);
      expect(await viewer.publish({ content: "still here" })).toMatchObject({ type: "ack" });
      await viewer.close();
    },
  );

  test("past 2 MiB the connection is closed with 1009, and nobody else notices", async () => {
    const room = freshRoom("huge");
    await undisturbed(node(), room, async () => {
      const client = await RawClient.open({ port: node().port, path: `/v1/rooms/${room}/ws` });
      await client.record("hello");
      client.sendText(padded(2 * 1024 * 1024 + 1));
      expect((await client.closed()).code).toBe(1009);
      client.destroy();
    });
  });
});

test("ids of pings come back", async () => {
  const viewer = await open();
  for (const id of [0, 2 ** 53 - 1]) viewer.sendFrame(JSON.stringify({ type: "ping", id }));
  expect(await refusals(viewer, '{"type":"ping","id":-1}')).toEqual(["invalid_message"]);
  expect(await refusals(viewer, '{"type":"ping"}')).toEqual(["invalid_message"]);
  await viewer.close();
});
