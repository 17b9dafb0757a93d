import { expect, test } from "bun:test";
import { Rooms } from "./rooms.fixture.ts";

/** All names, page by page, as who asks by HTTP gets them. */
async function listAll(rooms: Rooms, limit: number): Promise<string[]> {
  const names: string[] = [];
  let after = "";
  for (;;) {
    const page = await rooms.hub.list(after, limit);
    names.push(...page.rooms.map(({ room }) => room));
    if (page.next === undefined) return names;
    after = page.next;
  }
}

test("pages hold stored and open rooms, each once, in order", async () => {
  const rooms = new Rooms();
  for (let i = 0; i < 150; i++) rooms.join(`open-${i}`);
  rooms.run();
  for (let i = 0; i < 150; i += 3) await rooms.publish(`open-${i}`, [{}]);
  for (let i = 0; i < 20; i++) await rooms.publish(`Stored-${i}`, [{}]);
  rooms.run();
  const expected = [...rooms.log.rooms.keys(), ...Array.from({ length: 150 }, (_, i) => `open-${i}`)];
  const sorted = [...new Set(expected)].sort();
  for (const limit of [1, 7, 170, 1000]) expect(await listAll(rooms, limit)).toEqual(sorted);
});

test("rooms that were let go of are listed only where the log has them", async () => {
  const rooms = new Rooms({ roomLingerMs: 1000 });
  const viewers = ["a", "b", "c"].map((name) => rooms.join(name));
  rooms.run();
  await rooms.publish("b", [{}]);
  for (const { id } of viewers) rooms.hub.leave(id);
  for (let i = 0; i < 5; i++) rooms.run(5000);
  expect(rooms.sequencer.openRooms).toBe(0);
  expect(await listAll(rooms, 10)).toEqual(["b"]);
});

test("a list does not end at rooms that are being forgotten", async () => {
  const rooms = new Rooms({ roomTtlMs: 100_000, roomLingerMs: 1000 });
  for (const name of ["a", "b", "c"]) await rooms.publish(name, [{}]);
  for (let i = 0; i < 8; i++) rooms.run(10_000);
  await rooms.publish("d", [{}]);
  rooms.journalHeld = true;
  // Long enough for the next look at what to forget; the journal, which would do it, does not get to it.
  for (let i = 0; i < 7; i++) rooms.run(10_000);
  expect([...rooms.log.rooms.keys()]).toContain("a");
  expect(await listAll(rooms, 1)).toEqual(["d"]);
});
