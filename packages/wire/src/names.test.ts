import { expect, test } from "bun:test";
import { isEpoch, isRoomName, isUid } from "./index.ts";

test("rooms, uids and epochs: 1 to 64 characters of the alphabet", () => {
  for (const is of [isRoomName, isUid, isEpoch]) {
    for (const name of ["a", "1001", "A-Z_a.z", "..", "-", "x".repeat(64)]) expect(is(name)).toBe(true);
    for (const name of [
      "",
      "x".repeat(65),
      "a b",
      "a/b",
      "a%2f",
      "a\u0000",
      "é",
      "房",
      "a:b",
      5,
      null,
      undefined,
      ["a"],
    ]) {
      expect(is(name)).toBe(false);
    }
  }
  for (let c = 0; c < 0x180; c++) {
    expect(isRoomName(String.fromCharCode(c))).toBe(/^[A-Za-z0-9_.-]$/.test(String.fromCharCode(c)));
  }
});
