/** The SDK with tokens, against a node with sign-in. */
import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freshRoom, makeTempDir, removeTempDir, useNode } from "@danmakud/testkit";
import { SignJWT } from "jose";
import { SdkVisitor } from "./sdk-visitor.ts";

const folder = makeTempDir("sign-in");
afterAll(() => removeTempDir(folder));
const secret = "0123456789abcdef0123456789abcdef";
const secretFile = join(folder, "secret");
writeFileSync(secretFile, secret);

const node = useNode({ flags: ["--dev=off", "--auth-secret-file", secretFile] });

const token = (uid: string, expiresInS: number, claims: Record<string, unknown> = {}): Promise<string> =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(uid)
    .setExpirationTime(Math.floor(Date.now() / 1000) + expiresInS)
    .sign(new TextEncoder().encode(secret));

test.each(["websocket", "sse"] as const)("%s: an expired token is replaced once", async (transport) => {
  const asked: boolean[] = [];
  using visitor = new SdkVisitor(node().url, freshRoom("token"), {
    transport,
    getToken: ({ refused }) => {
      asked.push(refused);
      return token("ann", refused ? 3600 : -60);
    },
  });
  await visitor.connected();
  expect(asked).toEqual([false, true]);
  expect(visitor.room.uid).toBe("ann");
  expect(visitor.states[1]).toMatchObject({ state: "disconnected", code: 4500 });
  expect((await visitor.room.send({ content: "hello" })).offset).toBe(1);
});

test.each(["websocket", "sse"] as const)("%s: a token that is never good is final", async (transport) => {
  using visitor = new SdkVisitor(node().url, freshRoom("token"), {
    transport,
    getToken: () => token("ann", -60),
  });
  await expect(visitor.room.send({ content: "hello" })).rejects.toMatchObject({ code: "unauthorized" });
  expect(visitor.room.state).toBe("disconnected");
  expect(visitor.states.at(-1)?.retryInMs).toBeUndefined();
});

test.each(["websocket", "sse"] as const)(
  "%s: a token that opens other rooms is refused for good",
  async (transport) => {
    using visitor = new SdkVisitor(node().url, freshRoom("token"), {
      transport,
      getToken: () => token("ann", 600, { rooms: ["elsewhere"] }),
    });
    await expect(visitor.room.send({ content: "hello" })).rejects.toMatchObject({ code: "unauthorized" });
  },
);

test("before a token expires the room goes over to the next one", async () => {
  let number = 0;
  using visitor = new SdkVisitor(node().url, freshRoom("token"), {
    getToken: () => token(`u${++number}`, number === 1 ? 4 : 3600),
  });
  await visitor.connected(2);
  expect(visitor.hellos.map(({ uid }) => uid)).toEqual(["u1", "u2"]);
  expect(visitor.connections[1]).toMatchObject({ reconnect: true, resumed: true });
  expect(visitor.states.some(({ state }) => state === "disconnected")).toBe(false);
});
