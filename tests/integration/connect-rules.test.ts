import { describe, expect, test } from "bun:test";
import {
  type CloseInfo,
  freshRoom,
  RawClient,
  rawHttp,
  undisturbed,
  useNode,
  Viewer,
} from "@danmakud/testkit";

const node = useNode();

/** Opens a connection that has to be refused after the upgrade, and returns how. */
async function refusal(path: string, protocol?: string): Promise<CloseInfo> {
  const client = await RawClient.open({
    port: node().port,
    path,
    ...(protocol === undefined ? {} : { protocol }),
  });
  expect(client.handshake.status).toBe(101);
  const info = await client.closed();
  expect(client.records.filter((record) => record.type === "hello")).toEqual([]);
  client.destroy();
  return info;
}

async function hello(room: string, query: string, protocol?: string) {
  const path = `/v1/rooms/${room}/ws?${query}`;
  const client = await RawClient.open({
    port: node().port,
    path,
    ...(protocol === undefined ? {} : { protocol }),
  });
  const record = await client.record("hello");
  const chosen = client.handshake.headers["sec-websocket-protocol"];
  client.destroy();
  return { record, chosen };
}

describe("subprotocols", () => {
  test("none asked for means JSON", async () => {
    expect((await hello(freshRoom(), "uid=u1")).record).toMatchObject({ uid: "u1", head: 0, resumed: false });
  });

  test("JSON is answered by its name", async () => {
    expect((await hello(freshRoom(), "", "danmaku.json.v1")).chosen).toBe("danmaku.json.v1");
  });

  test("a known one among unknown ones is taken", async () => {
    expect((await hello(freshRoom(), "", "chat.v7, danmaku.json.v1")).chosen).toBe("danmaku.json.v1");
  });

  test("unknown ones alone are a protocol error", async () => {
    const info = await refusal(`/v1/rooms/${freshRoom()}/ws`, "danmaku.xml.v1");
    expect(info.code).toBe(4502);
    expect(info.reason).not.toBe("");
  });
});

describe("where to start", () => {
  test.each(["0", "1000"])("last=%s is accepted", async (last) => {
    expect((await hello(freshRoom(), `last=${last}`)).record.resumed).toBe(false);
  });

  test.each(["1001", "-1", "1.5", "x", "1e3", "", "99999999999999999999"])(
    "last=%s is a protocol error",
    async (last) => {
      expect((await refusal(`/v1/rooms/${freshRoom()}/ws?last=${last}`)).code).toBe(4502);
    },
  );

  test("a position in the future is not resumed, and delivery starts at the head", async () => {
    const room = freshRoom("future");
    const viewer = await Viewer.open({ url: node().socketUrl(room), uid: "u1" });
    await viewer.publish({ content: "one" });
    const { epoch } = viewer.hello;
    const start = { kind: "resume", epoch, after: 1_000_000 } as const;
    const late = await Viewer.open({ url: node().socketUrl(room), start });
    expect(late.hello).toMatchObject({ resumed: false, head: viewer.coverage.position, epoch });
    const answer = await viewer.publish({ content: "two" });
    if (answer.type === "ack") await late.reached(answer.offset);
    expect(late.danmaku.map((danmaku) => danmaku.content)).toEqual(["two"]);
    expect(late.faults).toEqual([]);
    await Promise.all([viewer.close(), late.close()]);
  });

  test("a foreign epoch, and a position without an epoch, are not resumed", async () => {
    const room = freshRoom("foreign");
    const viewer = await Viewer.open({ url: node().socketUrl(room) });
    await viewer.publish({ content: "one" });
    const head = viewer.coverage.position;
    expect((await hello(room, "after=0&epoch=nonsense")).record).toMatchObject({ resumed: false, head });
    expect((await hello(room, "after=0")).record).toMatchObject({ resumed: false, head });
    await viewer.close();
  });

  test.each(["-1", "1.5", "x", "9007199254740992", "9".repeat(400)])(
    "after=%s is refused or not resumed",
    async (after) => {
      const path = `/v1/rooms/${freshRoom()}/ws?after=${after}&epoch=e`;
      const client = await RawClient.open({ port: node().port, path });
      const outcome = await Promise.race([client.record("hello"), client.closed()]);
      if ("code" in outcome) expect(outcome.code).toBe(4502);
      else expect(outcome.resumed).toBe(false);
      client.destroy();
    },
  );
});

describe("names", () => {
  const good = ["a", "A-Z_a.z-09", "r".repeat(64), "%61bc"];
  test.each(good)("room %s opens", async (room) => {
    expect((await hello(room, "")).record.room).toBe(decodeURIComponent(room));
  });

  const bad = [
    "r".repeat(65),
    "a%20b",
    "%00",
    "a%00",
    "%2e%2e%2f",
    "..%2f..%2fetc",
    "a%2Fb",
    "%E5%BC%B9%E5%B9%95",
    "a%0d%0aX:%20y",
    "a%25",
    "a+b",
    "a:b",
    "%zz",
    "%",
    "弹",
    "a%c0%80",
  ];
  test.each(bad)("room %s is refused", async (room) => {
    const client = await RawClient.open({ port: node().port, path: `/v1/rooms/${room}/ws` });
    if (client.handshake.status === 101) expect((await client.closed()).code).toBe(4502);
    else expect([400, 404]).toContain(client.handshake.status);
    client.destroy();
  });

  test.each(["/v1/rooms//ws", "/v1/rooms/../ws", "/v1/rooms/a/../../ws", "/v1/rooms/./ws"])(
    "%s does no harm",
    async (path) => {
      await undisturbed(node(), freshRoom("dots"), async () => {
        const client = await RawClient.open({ port: node().port, path });
        if (client.handshake.status !== 101) expect([400, 404]).toContain(client.handshake.status);
        client.destroy();
      });
    },
  );

  test.each(["uid=", `uid=${"u".repeat(65)}`, "uid=a%20b", "uid=%E5%BC%B9", "role=king", "role="])(
    "%s does not sign in",
    async (query) => {
      expect([4500, 4502]).toContain((await refusal(`/v1/rooms/${freshRoom()}/ws?${query}`)).code);
    },
  );

  test("without a uid one is a guest with a name of one's own", async () => {
    const uids = [(await hello(freshRoom(), "")).record.uid, (await hello(freshRoom(), "")).record.uid];
    expect(new Set(uids).size).toBe(2);
    for (const uid of uids) expect(uid).toMatch(/^[\w.-]{1,64}$/);
  });
});

test("a plain GET of the socket's address is answered, not left hanging", async () => {
  const answer = await rawHttp(node().port, { path: `/v1/rooms/${freshRoom()}/ws` });
  expect([400, 404, 405, 426]).toContain(answer.status);
});

test("one user may hold several connections", async () => {
  const url = node().socketUrl(freshRoom("twice"));
  const both = [
    await Viewer.open({ url, uid: "same" }),
    await Viewer.open({ url, uid: "same", encoding: "tlv" }),
  ];
  await both[0]!.publish({ content: "hi" });
  for (const viewer of both) {
    await viewer.saw("hi");
    expect(viewer.faults).toEqual([]);
    await viewer.close();
  }
});
