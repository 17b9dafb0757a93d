import { describe, expect, test } from "bun:test";
import { decodeRecords } from "@danmakud/wire";
import type { HistoryPage } from "./hub.ts";
import { person, Rooms } from "./rooms.fixture.ts";

async function history(rooms: Rooms, isUndelayed = false): Promise<{ head: number; offsets: number[] }> {
  const answer = rooms.hub.history("r", { last: 100 }, isUndelayed) as Promise<HistoryPage>;
  rooms.run(1);
  const { head, bytes } = await answer;
  return { head, offsets: decodeRecords(bytes).map((record) => ("offset" in record ? record.offset : -1)) };
}

/** A room of delay `delayMs` with `count` danmaku, one every 100 ms. */
async function delayed(rooms: Rooms, delayMs: number, count: number): Promise<void> {
  await rooms.configure("r", { delayMs });
  for (let i = 0; i < count; i++) {
    await rooms.publish("r", [{ content: `d${i}` }]);
    rooms.run(50);
  }
}

describe("a room with a delay", () => {
  test("acks at once, shows what is older than the delay, in order and once", async () => {
    const rooms = new Rooms({ gateways: 2 });
    await rooms.configure("r", { delayMs: 1000 });
    const viewers = [rooms.join("r"), rooms.join("r", { kind: "head" }, "json", 1)];
    rooms.run();
    for (let i = 1; i <= 40; i++) {
      expect(await rooms.publish("r", [{}])).toEqual([i]);
      for (const viewer of viewers) {
        for (const { ts } of viewer.of("danmaku")) expect(ts).toBeLessThanOrEqual(rooms.now - 1000);
      }
    }
    rooms.run(2000);
    const all = Array.from({ length: 40 }, (_, i) => i + 1);
    for (const viewer of viewers) expect(viewer.offsets()).toEqual(all);
  });

  test("who joins, reads or resumes learns no more than others see", async () => {
    const rooms = new Rooms({ gateways: 2 });
    await delayed(rooms, 1000, 30);
    const seen = (await history(rooms)).offsets;
    expect(seen.length).toBeGreaterThan(5);
    expect(seen.length).toBeLessThan(25);
    expect((await history(rooms)).head).toBe(seen.length);
    expect((await history(rooms, true)).offsets).toHaveLength(30);
    // The second gateway meets the room only now.
    const viewers = [0, 1].map((gateway) => rooms.join("r", { kind: "last", records: 100 }, "tlv", gateway));
    rooms.run(1);
    for (const viewer of viewers) {
      const head = viewer.of("hello")[0]?.head ?? -1;
      expect(Math.abs(head - seen.length)).toBeLessThanOrEqual(1);
      expect(viewer.offsets()).toEqual(Array.from({ length: head }, (_, i) => i + 1));
    }
    rooms.run(5000);
    for (const viewer of viewers)
      expect(viewer.offsets()).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  });

  test("a resume beyond what others see goes on there, without a repeat", async () => {
    const rooms = new Rooms();
    await delayed(rooms, 0, 5);
    await rooms.configure("r", { delayMs: 1000 });
    await rooms.publish("r", [{}, {}]);
    const { epoch } = rooms.join("r").of("hello")[0] ?? { epoch: "" };
    const viewer = rooms.join("r", { kind: "resume", epoch, after: 6 });
    rooms.run(10);
    expect(viewer.of("hello")[0]).toMatchObject({ resumed: true, head: 6 });
    rooms.run(3000);
    await rooms.publish("r", [{}]);
    rooms.run(3000);
    expect(viewer.offsets()).toEqual([7, 8]);
  });

  test("a shorter delay shows at once what it lets pass; none shows everything", async () => {
    const rooms = new Rooms();
    const viewer = rooms.join("r");
    await delayed(rooms, 60_000, 10);
    expect(viewer.offsets()).toEqual([]);
    await rooms.configure("r", { delayMs: 500 });
    expect(viewer.offsets().length).toBeGreaterThan(2);
    expect(viewer.offsets().length).toBeLessThan(10);
    await rooms.configure("r", { delayMs: 0 });
    expect(viewer.offsets()).toHaveLength(10);
    await rooms.publish("r", [{}]);
    expect(viewer.offsets()).toHaveLength(11);
  });

  test("more than memory keeps comes from the log", async () => {
    const rooms = new Rooms({ broadcastBytes: 1 << 22 });
    await rooms.configure("r", { delayMs: 2000 });
    const viewer = rooms.join("r");
    rooms.run(1);
    for (let i = 0; i < 9; i++) {
      const outcomes = rooms.hub.publish(
        "r",
        person("s", "service"),
        Array(1000).fill({ content: "x".repeat(50), mode: 0, color: 0, size: 25 }),
      );
      rooms.run(10);
      await outcomes;
    }
    expect(viewer.offsets()).toEqual([]);
    rooms.run(2100);
    for (let i = 0; i < 30; i++) rooms.run(10);
    expect(viewer.offsets()).toEqual(Array.from({ length: 9000 }, (_, i) => i + 1));
  });
});

describe("slow mode", () => {
  test("one danmaku per user and time; moderators pass", async () => {
    const rooms = new Rooms({ gateways: 2 });
    await rooms.configure("r", { slowModeMs: 10_000 });
    const send = async (uid: string, role: "viewer" | "moderator" = "viewer", gateway = 0, key?: string) => {
      const draft = { content: "x", mode: 0, color: 0, size: 25, ...(key === undefined ? {} : { key }) };
      const outcome = rooms.hubs[gateway]!.publish("r", person(uid, role), [draft]);
      rooms.run(10);
      const [settled] = await outcome;
      if (settled === undefined || !("error" in settled)) return settled;
      return [settled.error.code, settled.error.retryAfterMs];
    };
    expect(await send("a", "viewer", 0, "k")).toMatchObject({ offset: 1 });
    const [code, retryAfterMs] = (await send("a", "viewer", 1)) as [string, number];
    expect(code).toBe("rate_limited");
    expect(retryAfterMs).toBeGreaterThan(9900);
    expect(retryAfterMs).toBeLessThanOrEqual(10_000);
    expect(await send("a", "viewer", 0, "k")).toMatchObject({ offset: 1 });
    expect(await send("b", "viewer", 1)).toMatchObject({ offset: 2 });
    expect(await send("m", "moderator")).toMatchObject({ offset: 3 });
    expect(await send("m", "moderator")).toMatchObject({ offset: 4 });
    rooms.run(retryAfterMs);
    expect(await send("a")).toMatchObject({ offset: 5 });
    await rooms.configure("r", { slowModeMs: 0 });
    expect(await send("a")).toMatchObject({ offset: 6 });
  });
});
