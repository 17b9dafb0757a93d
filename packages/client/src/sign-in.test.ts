/** When a token is asked for, and what a refusal leads to. */
import { afterEach, expect, test } from "bun:test";
import { RoomServer } from "../test/room-server.ts";
import { until } from "../test/until.ts";
import { type ClientOptions, DanmakuClient, type DanmakuError, type StateChange } from "./index.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function visit(options: ClientOptions) {
  const server = new RoomServer();
  const client = new DanmakuClient(server.url, options);
  closing.push(
    () => server.stop(),
    () => client.close(),
  );
  const room = client.room("1001");
  const states: StateChange[] = [];
  const errors: DanmakuError[] = [];
  room.on("state", (state) => states.push(state));
  room.on("error", (error) => errors.push(error));
  return { server, room, states, errors };
}

const jwt = (id: number, expiresInMs: number): string => {
  const payload = JSON.stringify({ id, exp: (Date.now() + expiresInMs) / 1000 });
  return `h.${Buffer.from(payload).toString("base64url")}.s`;
};
const tokensOf = (server: RoomServer): (string | undefined)[] =>
  server.visitors.map(({ protocols }) => protocols[1]?.slice("bearer.".length));

test("a refused token is replaced once, and the room goes on", async () => {
  const asked: boolean[] = [];
  const { server, room, states, errors } = visit({
    getToken: ({ refused }) => {
      asked.push(refused);
      return refused ? "fresh" : "stale";
    },
  });
  server.onOpen = (socket) => {
    if (!socket.data.protocols.includes("bearer.stale")) return false;
    socket.close(4500, "the token has expired");
    return true;
  };
  await until(() => room.state === "connected");
  expect(asked).toEqual([false, true]);
  expect(errors).toEqual([]);
  expect(states.map(({ state }) => state)).toEqual(["connecting", "disconnected", "connecting", "connected"]);
  expect(states[1]).toMatchObject({ code: 4500 });
});

test("two refusals in a row are final", async () => {
  const asked: boolean[] = [];
  const { server, room, states, errors } = visit({
    getToken: ({ refused }) => {
      asked.push(refused);
      return "stale";
    },
  });
  server.onOpen = (socket) => {
    socket.close(4500, "no");
    return true;
  };
  await until(() => errors.length === 1);
  expect(asked).toEqual([false, true]);
  expect(errors[0]).toMatchObject({ code: "unauthorized", message: "no" });
  expect(states.at(-1)).toMatchObject({ state: "disconnected", code: 4500 });
  expect(states.at(-1)?.retryInMs).toBeUndefined();
  await expect(room.send({ content: "x" })).rejects.toMatchObject({ code: "unauthorized" });
});

test("a refusal long after the last one is a first one again", async () => {
  let number = 0;
  const { server, states } = visit({ getToken: () => `t${++number}` });
  for (let connections = 1; connections <= 4; connections++) {
    await until(() => states.filter(({ state }) => state === "connected").length === connections);
    for (const socket of server.sockets) socket.close(4500, "expired");
  }
  expect(tokensOf(server)).toEqual(["t1", "t2", "t3", "t4"]);
});

test("without a way to get another token a refusal is final at once", async () => {
  const { server, errors } = visit({ uid: "u" });
  server.onOpen = (socket) => {
    socket.close(4500, "a token is required");
    return true;
  };
  await until(() => errors.length === 1);
  expect(server.visitors).toHaveLength(1);
});

test("before a token expires the room goes over to a new one, and what was sent meanwhile arrives once", async () => {
  let number = 0;
  // The server's clock is what counts; the one here says 1,700,000,000,000.
  const getToken = (): string => {
    number++;
    const left = number === 1 ? 2_000 : 3_600_000;
    return jwt(number, 1_700_000_000_000 + left - Date.now());
  };
  const { server, room, states } = visit({ getToken });
  await until(() => room.state === "connected");
  const sent: number[] = [];
  const contents: string[] = [];
  room.on("message", ({ content }) => contents.push(content));
  for (let i = 0; states.filter(({ state }) => state === "connected").length < 2; i++) {
    sent.push((await room.send({ content: `c${i}` })).offset);
    await Bun.sleep(5);
  }
  expect(tokensOf(server)).toHaveLength(2);
  expect(new Set(tokensOf(server)).size).toBe(2);
  expect(states.some(({ state }) => state === "disconnected")).toBe(false);
  expect(states.at(-1)).toMatchObject({ state: "connected", reconnect: true, resumed: true });
  await until(() => contents.length === sent.length);
  expect(server.log.map(({ offset }) => offset)).toEqual(sent);
});

test("the same token again is no reason to connect again", async () => {
  let asked = 0;
  const token = jwt(1, 1_700_000_000_000 + 1_300 - Date.now());
  const { server, room, states } = visit({
    getToken: () => {
      asked++;
      return token;
    },
  });
  await until(() => asked === 2);
  await room.send({ content: "still here" });
  expect(states).toHaveLength(2);
  expect(server.visitors).toHaveLength(1);
});

test("a token that cannot be renewed in advance leaves the connection as it is", async () => {
  let number = 0;
  const getToken = (): string => {
    if (++number > 1) throw new Error("sign-in is down");
    return jwt(1, 1_700_000_000_000 + 1_300 - Date.now());
  };
  const { server, room, states } = visit({ getToken });
  await until(() => number === 2);
  await room.send({ content: "still here" });
  expect(states).toHaveLength(2);
  expect(server.sockets.size).toBe(1);
});
