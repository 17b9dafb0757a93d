import { expect, test } from "bun:test";
import { ROOM_LIMITS } from "./limits.ts";
import { draft, person, Rooms } from "./rooms.fixture.ts";

test("groups come at longer distances where they hold many records", () => {
  const rooms = new Rooms();
  const { journal, hub } = rooms;
  rooms.join("r");
  rooms.run();
  const distanceAfter = (records: number): number => {
    const drafts = Array.from({ length: records }, () => draft({}));
    hub.publish("r", person("service", "service"), drafts);
    for (let turn = 0; turn < 5; turn++) rooms.step(0);
    return journal.dueAt() - rooms.now;
  };
  expect(distanceAfter(1)).toBe(ROOM_LIMITS.commitGatherMs);
  expect(distanceAfter(ROOM_LIMITS.commitBusyRecordsMin)).toBe(ROOM_LIMITS.commitGatherBusyMs);
  expect(distanceAfter(1)).toBe(ROOM_LIMITS.commitGatherMs);
});

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
