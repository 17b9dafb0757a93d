import { expect, test } from "bun:test";
import { draft, person, Rooms } from "./rooms.fixture.ts";

test("a journal that has just committed is woken by the next record: every second publish came 190 ms late", async () => {
  const rooms = new Rooms();
  const { journal, hub } = rooms;
  rooms.join("r");
  await rooms.publish("r", [{}]);
  // Right after a commit, when the next group would still be gathering.
  rooms.now = journal.dueAt() - 4;
  expect([journal.isIdle(), journal.isGathering()]).toEqual([true, false]);
  rooms.journalHeld = true;
  const outcomes = hub.publish("r", person("service", "service"), [draft({})]);
  for (let turn = 0; turn < 5; turn++) rooms.step(0);
  expect([journal.isIdle(), journal.isGathering()]).toEqual([false, true]);
  rooms.now = journal.dueAt();
  expect(journal.isGathering()).toBe(false);
  rooms.journalHeld = false;
  rooms.run();
  expect(await outcomes).toMatchObject([{ offset: 2 }]);
});
