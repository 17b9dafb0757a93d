/** The network that comes back and the tab that is shown again, in a runtime that is made to look like a browser. */
import { afterEach, expect, test } from "bun:test";
import { RoomServer } from "../test/room-server.ts";
import { until } from "../test/until.ts";
import { DanmakuClient, type StateChange } from "./index.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

class FakeDocument extends EventTarget {
  hidden = false;
}

/** A room with ends of its own for what browsers tell. */
function visit() {
  const fake = new FakeDocument();
  Object.assign(globalThis, { document: fake });
  closing.push(() => Reflect.deleteProperty(globalThis, "document"));
  const server = new RoomServer();
  const client = new DanmakuClient(server.url);
  closing.push(
    () => server.stop(),
    () => client.close(),
  );
  const room = client.room("1001");
  const states: StateChange[] = [];
  room.on("state", (state) => states.push(state));
  return { server, client, room, states, fake };
}

type Visit = ReturnType<typeof visit>;

/** Loses the server and goes on trying until the next try is seconds away. */
async function loseForLong({ server, room, states }: Visit, wake: () => void): Promise<void> {
  await until(() => room.state === "connected");
  await server.restart(async () => {
    while ((states.at(-1)?.retryInMs ?? 0) < 3_000) {
      await until(() => room.state === "disconnected");
      if ((states.at(-1)?.retryInMs ?? 0) < 3_000) wake();
      await Bun.sleep(1);
    }
  });
}

test.each(["online", "visibilitychange"])("%s ends the wait", async (event) => {
  const visited = visit();
  const target = event === "online" ? globalThis : visited.fake;
  const wake = () => target.dispatchEvent(new Event(event));
  await loseForLong(visited, wake);
  wake();
  await until(() => visited.room.state === "connected");
  expect(visited.states.at(-1)).toMatchObject({ reconnect: true, resumed: true });
});

test("a tab that is hidden does not", async () => {
  const visited = visit();
  await loseForLong(visited, () => globalThis.dispatchEvent(new Event("online")));
  visited.fake.hidden = true;
  visited.fake.dispatchEvent(new Event("visibilitychange"));
  expect(visited.room.state).toBe("disconnected");
});

test("the time at which the server wants us back is kept all the same", async () => {
  const { server, room, states } = visit();
  await until(() => room.state === "connected");
  for (const socket of server.sockets) socket.close(4000, '{"retryAfterMs":60000}');
  await until(() => room.state === "disconnected");
  globalThis.dispatchEvent(new Event("online"));
  expect(room.state).toBe("disconnected");
  expect(states.at(-1)).toMatchObject({ code: 4000, retryInMs: 60_000 });
});

test("a connection that is there is asked for a sign of life", async () => {
  const { server, room } = visit();
  await until(() => room.state === "connected");
  const heard = server.pings;
  globalThis.dispatchEvent(new Event("online"));
  await until(() => server.pings === heard + 1);
  expect(room.state).toBe("connected");
});

test("who has left hears nothing any more", async () => {
  const { server, client, room } = visit();
  await until(() => room.state === "connected");
  client.close();
  globalThis.dispatchEvent(new Event("online"));
  expect(room.state).toBe("disconnected");
  expect(server.visitors).toHaveLength(1);
});
