import { expect, test } from "bun:test";
import { crc16, entryId, offsetOfId, slotOf, streamKey } from "./keys.ts";

test("the checksum is that of Redis Cluster", () => {
  // The check value of CRC-16/XMODEM, which the Cluster specification names.
  expect(crc16("123456789")).toBe(0x31c3);
  expect(crc16("")).toBe(0);
  expect(slotOf("123456789")).toBe(0x31c3 % 1024);
});

test("names and ids are as documented", () => {
  expect(streamKey("1001")).toBe("stream:room:{1001}");
  expect(entryId(42)).toBe("42-0");
  expect(offsetOfId("9007199254740991-0")).toBe(9007199254740991);
});
