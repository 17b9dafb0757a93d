import { describe, expect, test } from "bun:test";
import { makePlan, type NodePlan, roomsFor, sourceAddress, viewersInRoom } from "./plan.ts";

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe("a plan", () => {
  const million = makePlan({ count: 1_000_000, rooms: 1000, descriptors: 20_000 });

  test("puts no more on a node than it has descriptors for", () => {
    expect(million.nodes.length).toBe(51);
    for (const { connections } of million.nodes) expect(connections).toBeLessThanOrEqual(19_800);
    expect(sum(million.nodes.map(({ connections }) => connections))).toBe(1_000_000);
  });

  test("gives every room to one node, and every node an address", () => {
    let next = 0;
    for (const { firstRoom, rooms } of million.nodes) {
      expect(firstRoom).toBe(next);
      next += rooms;
    }
    expect(next).toBe(1000);
    expect(new Set(million.nodes.map(({ address }) => address)).size).toBe(51);
  });

  test("climbs to the end, filling one node after another", () => {
    expect(million.steps.map(({ connections }) => connections)).toEqual([
      10_000, 50_000, 100_000, 250_000, 500_000, 750_000, 1_000_000,
    ]);
    for (const { connections, perNode } of million.steps) {
      expect(sum(perNode)).toBe(connections);
      perNode.slice(0, -1).forEach((here, node) => {
        expect(here).toBe((million.nodes[node] as NodePlan).connections);
      });
    }
  });

  test("goes straight to the end where it is told to", () => {
    const plan = makePlan({ count: 1_000_000, rooms: 1000, descriptors: 20_000, steps: "last" });
    expect(plan.steps).toEqual(million.steps.slice(-1));
  });

  test("is one step where there is little to climb", () => {
    const small = makePlan({ count: 20_000, rooms: 1000, descriptors: 20_000 });
    expect(small.steps).toEqual([{ connections: 20_000, perNode: [10_000, 10_000] }]);
    expect(makePlan({ count: 2, rooms: 1, descriptors: 1024 }).nodes.length).toBe(1);
  });

  test("says which numbers do not go together", () => {
    expect(() => makePlan({ count: 10, rooms: 1, descriptors: 100 })).toThrow("too few");
    expect(() => makePlan({ count: 1, rooms: 1, descriptors: 1024 })).toThrow("it takes two");
    expect(() => makePlan({ count: 100_000, rooms: 2, descriptors: 20_000 })).toThrow("2 rooms");
  });
});

test("rooms are no more than there are viewers for", () => {
  expect(roomsFor(1_000_000, 1000)).toBe(1000);
  for (const count of [2, 10, 200, 1000]) expect(roomsFor(count, 1000)).toBeLessThanOrEqual(count / 2);
});

test("viewers are dealt out to the rooms of a node in turn", () => {
  const rooms = Array.from({ length: 3 }, (_, room) => viewersInRoom(11, 3, room));
  expect(rooms).toEqual([4, 4, 3]);
});

test("connections come from a few addresses in turn", () => {
  const addresses = new Set(Array.from({ length: 100 }, (_, i) => sourceAddress(i).join(".")));
  expect([...addresses]).toEqual(["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"]);
});
