import { expect, test } from "bun:test";
import { readTallies, UserTallies } from "./user-tallies.ts";

/** Takes what fits, as other nodes read it. */
function taken(tallies: UserTallies, bytesMax: number): Record<string, number> {
  const bytes = new Uint8Array(tallies.measure(bytesMax) + 3);
  tallies.take(bytes, 3, bytes.length - 3);
  const users: Record<string, number> = {};
  readTallies(bytes.subarray(3), (uid, messages) => {
    users[uid] = messages;
  });
  return users;
}

test("users and their messages come out as they went in, once", () => {
  const tallies = new UserTallies();
  const long = "u".repeat(64);
  for (const uid of ["a", long, "a", "b-2", "a"]) tallies.count(uid);
  expect(taken(tallies, 1000)).toEqual({ a: 3, [long]: 1, "b-2": 1 });
  expect(tallies.size).toBe(0);
  expect(taken(tallies, 1000)).toEqual({});
});

test("what does not fit is taken the next time", () => {
  const tallies = new UserTallies();
  for (let user = 0; user < 100; user++) tallies.count(`user-${user}`);
  const all: Record<string, number> = {};
  let rounds = 0;
  for (; tallies.size > 0; rounds++) Object.assign(all, taken(tallies, 66));
  expect(Object.keys(all)).toHaveLength(100);
  expect(rounds).toBeGreaterThan(10);
});

test("a user beyond the bound is not remembered but counted; those before go on", () => {
  const tallies = new UserTallies(2);
  for (const uid of ["a", "b", "c", "c", "a"]) tallies.count(uid);
  expect(tallies.untold).toBe(2);
  expect(taken(tallies, 1000)).toEqual({ a: 2, b: 1 });
});

test("a count ends at 255 and starts again", () => {
  const tallies = new UserTallies();
  for (let i = 0; i < 300; i++) tallies.count("busy");
  expect(taken(tallies, 1000)).toEqual({ busy: 255 });
  tallies.count("busy");
  expect(taken(tallies, 1000)).toEqual({ busy: 1 });
});

test("bytes that are no tally are not read beyond their end", () => {
  const seen: string[] = [];
  for (const bytes of [[], [5], [5, 1], [5, 1, 65], [0, 0, 0, 0], [1, 2, 65, 9, 9]]) {
    readTallies(new Uint8Array(bytes), (uid) => seen.push(uid));
  }
  expect(seen).toEqual(["A"]);
});
