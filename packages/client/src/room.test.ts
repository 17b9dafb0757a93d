import { afterEach, describe, expect, test } from "bun:test";
import { RoomServer } from "../test/room-server.ts";
import { until } from "../test/until.ts";
import {
  type ClientOptions,
  DanmakuClient,
  type DanmakuError,
  type Room,
  type RoomOptions,
  type StateChange,
} from "./index.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function startServer(): RoomServer {
  const server = new RoomServer();
  closing.push(() => server.stop());
  return server;
}

/** A room and everything it said. */
function visit(server: RoomServer, options: ClientOptions = {}, start: RoomOptions = {}) {
  const client = new DanmakuClient(server.url, options);
  closing.push(() => client.close());
  const room = client.room("1001", start);
  const contents: string[] = [];
  const states: StateChange[] = [];
  const errors: DanmakuError[] = [];
  room.on("message", ({ content }) => contents.push(content));
  room.on("state", (state) => states.push(state));
  room.on("error", (error) => errors.push(error));
  return { client, room, contents, states, errors };
}

const connected = (room: Room) => until(() => room.state === "connected");
const refusal = (promise: Promise<unknown>): Promise<DanmakuError> =>
  promise.then(
    () => Promise.reject(new Error("was not refused")),
    (error: DanmakuError) => error,
  );

describe.each(["tlv", "json"] as const)("%s", (encoding) => {
  test("sends, receives, and knows where it stands", async () => {
    const server = startServer();
    const { room, contents } = visit(server, { encoding, uid: "u7", role: "service" });
    expect(room.position).toBeUndefined();
    const sent = await room.send({ content: "666", mode: "top", color: "#ff0000", size: 30, uid: "u9" });
    expect(sent).toEqual({ offset: 1 });
    await until(() => contents.length === 1);
    expect(server.log[0]).toMatchObject({
      content: "666",
      mode: "top",
      color: "#ff0000",
      size: 30,
      uid: "u9",
    });
    expect(room.position).toEqual({ epoch: "e1", offset: 1 });
    expect(room.uid).toBe("u7");
    expect(Object.fromEntries(server.visitors[0]!.query)).toEqual({ uid: "u7", role: "service" });
  });

  test("delivers every kind of record, a batch before the delete that concerns it", async () => {
    const server = startServer();
    const { room } = visit(server, { encoding });
    const seen: unknown[] = [];
    room.on("batch", (batch) => seen.push(batch.map(({ offset }) => offset)));
    room.on("deleted", ({ offset, of, ofUid }) => seen.push({ offset, of, ofUid }));
    room.on("gap", ({ from, to, reason }) => seen.push({ from, to, reason }));
    room.on("stats", ({ online }) => seen.push({ online }));
    await connected(room);
    server.broadcast(
      server.publish("a", true),
      server.publish("b", true),
      { type: "delete", offset: 3, ts: 1, of: 1 },
      { type: "delete", offset: 4, ts: 1, ofUid: "u1" },
      { type: "gap", from: 5, to: 9, reason: "lost" },
      { type: "stats", online: 3 },
    );
    await until(() => seen.length === 5);
    expect(seen).toEqual([
      [1, 2],
      { offset: 3, of: 1, ofUid: undefined },
      { offset: 4, of: undefined, ofUid: "u1" },
      { from: 5, to: 9, reason: "lost" },
      { online: 3 },
    ]);
    expect(room.position).toEqual({ epoch: "e1", offset: 9 });
  });

  test("a refused send has the code and the time to wait", async () => {
    const server = startServer();
    server.onPublish = ({ id }) => ({
      type: "error",
      id,
      code: "rate_limited",
      message: "slower",
      retryAfterMs: 700,
    });
    const { room, errors } = visit(server, { encoding });
    const error = await refusal(room.send({ content: "x" }));
    expect(error).toMatchObject({
      code: "rate_limited",
      message: "slower",
      retryAfterMs: 700,
      retryable: true,
    });
    expect(errors).toEqual([]);
  });

  test("text that UTF-8 cannot hold is refused, not changed", async () => {
    const server = startServer();
    const { room } = visit(server, { encoding });
    const waiting = refusal(room.send({ content: "a\ud800" }));
    await connected(room);
    expect((await waiting).code).toBe("invalid_message");
    expect((await refusal(room.send({ content: "a\ud800" }))).code).toBe("invalid_message");
    expect(await room.send({ content: "fine" })).toEqual({ offset: 1 });
  });

  test("resumes after a crash without a hole or a double", async () => {
    const server = startServer();
    const { room, contents, states } = visit(server, { encoding });
    await connected(room);
    for (const content of ["1", "2", "3"]) server.publish(content);
    await until(() => contents.length === 3);
    await server.restart(() => {
      for (const content of ["4", "5"]) server.publish(content, true);
    });
    await until(() => contents.length === 5);
    server.publish("6");
    await until(() => contents.length === 6);
    expect(contents).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(states.map(({ state }) => state)).toContain("disconnected");
    expect(states.at(-1)).toEqual({
      state: "connected",
      reconnect: true,
      resumed: true,
      transport: "websocket",
    });
    expect(Object.fromEntries(server.visitors.at(-1)!.query)).toEqual({ after: "3", epoch: "e1" });
  });
});

test("a server that repeats itself after a resume is not repeated to listeners", async () => {
  const server = startServer();
  const { room, contents } = visit(server);
  await connected(room);
  server.publish("1");
  server.publish("2");
  await until(() => contents.length === 2);
  server.broadcast(...server.log, { type: "gap", from: 1, to: 1, reason: "lost" });
  server.publish("3");
  await until(() => contents.includes("3"));
  expect(contents).toEqual(["1", "2", "3"]);
});

test("sends that were cut off are sent again with their key, in order, and published once", async () => {
  const server = startServer();
  const { room, contents } = visit(server);
  await connected(room);
  let cut = false;
  server.onPublish = ({ draft }) => {
    // The first arrives and is published, but its ack is lost with the connection; the others never arrive.
    if (!cut) server.publish(draft.content, true);
    cut = true;
    return "silent";
  };
  const sends = ["a", "b", "c"].map((content) => room.send({ content }));
  await until(() => server.publishes.length === 3);
  const keys = server.publishes.map(({ draft }) => draft.key);
  expect(new Set(keys).size).toBe(3);
  await server.restart(() => {
    server.log.length = 0;
    server.onPublish = () => undefined;
  });
  expect(await Promise.all(sends)).toEqual([{ offset: 1 }, { offset: 2 }, { offset: 3 }]);
  expect(server.publishes.slice(3).map(({ draft }) => draft.key)).toEqual(keys);
  await until(() => contents.length === 3);
});

test("what the server does not know is asked again with the same key", async () => {
  const server = startServer();
  let refusals = 0;
  server.onPublish = ({ id, draft }) => {
    if (refusals === 2) return undefined;
    // It was taken, but the log did not answer in time.
    if (refusals++ === 0) server.take(draft);
    return { type: "error", id, code: "unavailable", message: "no answer in time", retryAfterMs: 1 };
  };
  const { room } = visit(server);
  expect(await room.send({ content: "once" })).toEqual({ offset: 1 });
  expect(server.log).toHaveLength(1);
  expect(new Set(server.publishes.map(({ draft }) => draft.key)).size).toBe(1);
  expect(server.publishes).toHaveLength(3);
});

test("a key of one's own is kept", async () => {
  const server = startServer();
  const { room } = visit(server);
  expect(await room.send({ content: "once", key: "k" })).toEqual({ offset: 1 });
  expect(await room.send({ content: "once", key: "k" })).toEqual({ offset: 1 });
  expect(server.log).toHaveLength(1);
});

test("a send before the connection waits for it", async () => {
  const server = startServer();
  let delivered = 0;
  await server.restart(async () => {
    const { room } = visit(server);
    void room.send({ content: "early" }).then(() => delivered++);
    await until(() => room.state === "disconnected");
  });
  await until(() => delivered === 1);
  expect(server.log.map(({ content }) => content)).toEqual(["early"]);
});

describe("where to start", () => {
  test("the last few", async () => {
    const server = startServer();
    for (const content of ["1", "2", "3"]) server.publish(content);
    const { contents, room, states } = visit(server, {}, { last: 2 });
    await until(() => contents.length === 2);
    expect(contents).toEqual(["2", "3"]);
    expect(states.at(-1)).toEqual({ state: "connected", reconnect: false, transport: "websocket" });
    expect(room.position).toEqual({ epoch: "e1", offset: 3 });
  });

  test("a position of an earlier visit", async () => {
    const server = startServer();
    for (const content of ["1", "2", "3"]) server.publish(content);
    const { contents, states } = visit(server, {}, { position: { epoch: "e1", offset: 1 }, last: 9 });
    await until(() => contents.length === 2);
    expect(contents).toEqual(["2", "3"]);
    expect(states.at(-1)).toEqual({
      state: "connected",
      reconnect: false,
      resumed: true,
      transport: "websocket",
    });
  });

  test("a position in another epoch: not resumed, goes on at the head", async () => {
    const server = startServer();
    server.publish("1");
    const { contents, room, states } = visit(server, {}, { position: { epoch: "old", offset: 700 } });
    await connected(room);
    server.publish("2");
    await until(() => contents.length === 1);
    expect(contents).toEqual(["2"]);
    expect(states.at(-1)).toEqual({
      state: "connected",
      reconnect: false,
      resumed: false,
      transport: "websocket",
    });
    expect(room.position).toEqual({ epoch: "e1", offset: 2 });
  });
});

test("a new epoch on an open connection starts the offsets anew", async () => {
  const server = startServer();
  const { room, contents, states } = visit(server);
  const epochs: string[] = [];
  room.on("joined", ({ epoch }) => epochs.push(epoch));
  await connected(room);
  for (const content of ["1", "2", "3"]) server.publish(content);
  await until(() => contents.length === 3);
  server.epoch = "e2";
  server.log.length = 0;
  server.broadcast({
    type: "hello",
    room: "1001",
    epoch: "e2",
    head: 0,
    resumed: false,
    uid: "u",
    serverTime: 1,
  });
  server.publish("4");
  await until(() => contents.length === 4);
  expect(epochs).toEqual(["e1", "e2"]);
  expect(room.position).toEqual({ epoch: "e2", offset: 1 });
  expect(states.filter(({ state }) => state === "connected")).toHaveLength(1);
});

describe("close codes", () => {
  test.each([
    [4500, "unauthorized"],
    [4501, "banned"],
    [4502, "invalid_message"],
    [4503, "room_closed"],
    [1009, "too_large"],
  ] as const)("%d is for good: %s", async (closeCode, code) => {
    const server = startServer();
    const { room, states, errors } = visit(server);
    await connected(room);
    server.onPublish = (_publish, socket) => {
      socket.close(closeCode, "because");
      return "silent";
    };
    expect(await refusal(room.send({ content: "x" }))).toMatchObject({ code, message: "because" });
    expect(errors).toMatchObject([{ code }]);
    expect(states.at(-1)).toEqual({
      state: "disconnected",
      reconnect: false,
      code: closeCode,
      reason: "because",
    });
    expect((await refusal(room.send({ content: "y" }))).code).toBe(code);
  });

  test.each([4008, 4009, 4029, 1001, 1011, 1012, 1013])("%d is for now", async (closeCode) => {
    const server = startServer();
    const { room, states } = visit(server);
    await connected(room);
    for (const socket of server.sockets) socket.close(closeCode, "later");
    await until(() => states.length === 5);
    expect(states[2]).toMatchObject({ state: "disconnected", code: closeCode, reason: "later" });
    expect(states[2]!.retryInMs).toBeNumber();
    expect(states[4]).toMatchObject({
      state: "connected",
      reconnect: true,
      resumed: true,
      transport: "websocket",
    });
  });

  test("draining says itself when to come back", async () => {
    const server = startServer();
    const { room, states } = visit(server);
    await connected(room);
    for (const socket of server.sockets) socket.close(4000, '{"retryAfterMs":37}');
    await until(() => states.length === 5);
    expect(states[2]).toMatchObject({ code: 4000, retryInMs: 37 });
  });
});

test("a frame that cannot be read costs the connection, not the place in the log", async () => {
  const server = startServer();
  const { room, contents, states } = visit(server);
  await connected(room);
  server.publish("1");
  await until(() => contents.length === 1);
  for (const socket of server.sockets) socket.send(new Uint8Array([1, 2, 3]));
  await until(() => states.length === 5);
  server.publish("2");
  await until(() => contents.length === 2);
  expect(states.at(-1)).toMatchObject({ state: "connected", resumed: true });
});

test("a token goes along as a subprotocol, a new one for every connection", async () => {
  const server = startServer();
  let number = 0;
  const { room } = visit(server, { getToken: async () => `t${++number}` });
  await connected(room);
  await server.restart();
  await until(() => server.visitors.length === 2);
  expect(server.visitors.map(({ protocols }) => protocols)).toEqual([
    ["danmaku.tlv.v1", "bearer.t1"],
    ["danmaku.tlv.v1", "bearer.t2"],
  ]);
});

test("a token that cannot be fetched is tried for again", async () => {
  const server = startServer();
  let number = 0;
  const getToken = (): string => {
    if (++number === 1) throw new Error("sign-in is down");
    return "t";
  };
  const { room, states } = visit(server, { getToken });
  await connected(room);
  expect(states[1]).toMatchObject({ state: "disconnected", reason: "sign-in is down" });
});

test("leaving rejects what waits and is silent ever after", async () => {
  const server = startServer();
  server.onPublish = () => "silent";
  const { client, room, contents, states } = visit(server);
  await connected(room);
  const waiting = refusal(room.send({ content: "x" }));
  await until(() => server.publishes.length === 1);
  client.close();
  expect((await waiting).code).toBe("unavailable");
  expect(states.at(-1)).toEqual({ state: "disconnected", reconnect: false });
  await until(() => server.sockets.size === 0);
  server.publish("unseen");
  expect(contents).toEqual([]);
  expect((await refusal(room.send({ content: "y" }))).code).toBe("unavailable");
});

test("a listener may leave in the middle of a frame", async () => {
  const server = startServer();
  const { room, contents } = visit(server);
  await connected(room);
  room.on("message", () => room.leave());
  server.broadcast(server.publish("1", true), server.publish("2", true));
  await until(() => server.sockets.size === 0);
  expect(contents).toEqual(["1"]);
});

test("too many sends without an answer: overloaded", async () => {
  const server = startServer();
  server.onPublish = () => "silent";
  const { room } = visit(server);
  const refusals: Promise<DanmakuError>[] = [];
  for (let i = 0; i <= 1000; i++) refusals.push(refusal(room.send({ content: "x" })));
  expect((await refusals[1000])?.code).toBe("overloaded");
});

test.each(["ftp://a", "nonsense"])("%s is no address", (url) => {
  expect(() => new DanmakuClient(url)).toThrow(TypeError);
});

test.each(["", ".", "..", "a/b", "a b", "x".repeat(65)])("%j is no room", (id) => {
  expect(() => new DanmakuClient("ws://127.0.0.1").room(id)).toThrow("room name");
});
