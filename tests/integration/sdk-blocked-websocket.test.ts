/** The SDK in networks that let no WebSocket pass: records by event stream, danmaku by POST. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { freshRoom, RoomApi, startNode, TEST_LIMIT_MS, type TestNode, waitFor } from "@danmakud/testkit";
import { isIncreasing, SdkVisitor } from "./sdk-visitor.ts";

setDefaultTimeout(TEST_LIMIT_MS);

/** Passes everything on to a node but upgrades, as some companies' proxies do. */
function startProxy(node: () => TestNode) {
  let upgrades = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 255,
    async fetch(request) {
      if (request.headers.has("upgrade")) {
        upgrades++;
        return new Response("<h1>Blocked by policy</h1>", { status: 403 });
      }
      const { pathname, search } = new URL(request.url);
      const headers = new Headers(request.headers);
      headers.delete("host");
      try {
        return await fetch(`${node().url}${pathname}${search}`, {
          method: request.method,
          headers,
          body: request.method === "POST" ? await request.text() : null,
          signal: request.signal,
        });
      } catch {
        return new Response("<h1>Bad gateway</h1>", { status: 502 });
      }
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    upgrades: () => upgrades,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

test("the second WebSocket that fails is followed by a stream that does everything", async () => {
  await using node = await startNode();
  await using proxy = startProxy(() => node);
  const name = freshRoom("sse");
  await new RoomApi(node.url, name).publish({ content: "history", uid: "u" });
  using visitor = new SdkVisitor(proxy.url, name, { uid: "author" }, { last: 10 });
  await visitor.connected();
  expect(visitor.connections[0]).toMatchObject({ transport: "sse", reconnect: true });
  expect(proxy.upgrades()).toBe(2);

  const sends = ["a", "b", "c"].map((content) =>
    visitor.room.send({ content, mode: "top", color: "#ff0000", size: 30 }),
  );
  const offsets = (await Promise.all(sends)).map(({ offset }) => offset);
  expect(isIncreasing(offsets)).toBe(true);
  await visitor.saw(4);
  expect(visitor.contents).toEqual(["history", "a", "b", "c"]);
  expect(visitor.room.uid).toBe("author");
  const [, first] = await new RoomApi(node.url, name).all();
  expect(first).toMatchObject({ uid: "author", mode: "top", color: "#ff0000", size: 30 });
  await expect(visitor.room.send({ content: "\u0007" })).rejects.toMatchObject({ code: "invalid_message" });
});

test("refusals by POST are as typed as those by WebSocket", async () => {
  await using node = await startNode();
  using visitor = new SdkVisitor(node.url, freshRoom("sse"), { uid: "author", transport: "sse" });
  await visitor.connected();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 60 }, (_, i) => visitor.room.send({ content: `n${i}` })),
  );
  const refusals = outcomes.filter((outcome) => outcome.status === "rejected");
  expect(refusals.length).toBeGreaterThan(0);
  for (const { reason } of refusals) {
    expect(reason).toMatchObject({ code: "rate_limited", retryable: true });
    expect(reason.retryAfterMs).toBeGreaterThan(0);
  }
});

test("a stream resumes after kill -9 without a hole or a double, and sends are in the room once", async () => {
  await using node = await startNode();
  await using proxy = startProxy(() => node);
  const name = freshRoom("sse");
  using visitor = new SdkVisitor(proxy.url, name, { uid: "author", role: "service" });
  await visitor.connected();
  const sends = Array.from({ length: 300 }, (_, i) => visitor.room.send({ content: `n${i}` }));
  await Promise.race(sends);
  await node.kill("SIGKILL");
  await node.start();
  const offsets = new Set((await Promise.all(sends)).map(({ offset }) => offset));
  const history = await new RoomApi(node.url, name).all();
  expect(history).toHaveLength(300);
  expect(new Set(history.map(({ offset }) => offset))).toEqual(offsets);
  await waitFor("all to be seen", () => [...offsets].every((offset) => visitor.offsets.includes(offset)));
  expect(isIncreasing(visitor.offsets)).toBe(true);
  expect(visitor.connections.at(-1)).toMatchObject({ transport: "sse", resumed: true });
});

test("a drained node tells a stream too when to come back", async () => {
  await using node = await startNode();
  using visitor = new SdkVisitor(node.url, freshRoom("sse"), { transport: "sse" });
  await visitor.connected();
  await node.kill("SIGTERM");
  await waitFor("the loss", () => visitor.room.state === "disconnected");
  // By now it may have tried to come back, and found nobody.
  const lost = visitor.states.find(({ state }) => state === "disconnected");
  expect(lost?.code).toBe(4000);
  expect(lost?.retryInMs).toBe(JSON.parse(lost?.reason ?? "").retryAfterMs);
  await node.start();
  await visitor.connected(2);
});

test("where WebSockets pass, an outage does not lead to a stream", async () => {
  await using node = await startNode();
  using visitor = new SdkVisitor(node.url, freshRoom("sse"));
  await visitor.connected();
  await visitor.room.send({ content: "keeps the log" });
  await node.kill("SIGKILL");
  await waitFor(
    "several tries",
    () => visitor.states.filter(({ state }) => state === "disconnected").length >= 4,
  );
  await node.start();
  await visitor.connected(2);
  expect(visitor.connections[1]).toMatchObject({ transport: "websocket", resumed: true });
});
