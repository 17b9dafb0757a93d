import { expect, test } from "bun:test";
import {
  CLOSE_CODES,
  closeCodeRetryable,
  DanmakuError,
  ERROR_CODES,
  ERROR_STATUS,
  errorRecord,
  isErrorCode,
} from "./index.ts";

test("close codes say whether to come back", () => {
  for (const code of [4000, 4008, 4009, 4029, 4499, 1001, 1005, 1006, 1011, 1012, 1013]) {
    expect(closeCodeRetryable(code)).toBe(true);
  }
  for (const code of [4500, 4501, 4502, 4503, 4999, 1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000]) {
    expect(closeCodeRetryable(code)).toBe(false);
  }
  for (const code of Object.values(CLOSE_CODES)) expect(closeCodeRetryable(code)).toBe(code < 4500);
});

test("every error code has a status and says whether to try again", () => {
  expect(ERROR_CODES).toHaveLength(12);
  for (const code of ERROR_CODES) {
    expect(ERROR_STATUS[code]).toBeGreaterThanOrEqual(400);
    expect(isErrorCode(code)).toBe(true);
    expect(new DanmakuError(code, "").retryable).toBe(
      ["rate_limited", "overloaded", "unavailable"].includes(code),
    );
  }
  expect(isErrorCode("toString")).toBe(false);
  expect(isErrorCode(0)).toBe(false);
});

test("an error as a record", () => {
  const cause = new Error("why");
  const error = new DanmakuError("rate_limited", "slow down", { retryAfterMs: 0, cause });
  expect(error.cause).toBe(cause);
  expect(errorRecord(error, 0)).toEqual({
    type: "error",
    code: "rate_limited",
    message: "slow down",
    id: 0,
    retryAfterMs: 0,
  });
  expect(errorRecord(new DanmakuError("banned", "no"))).toEqual({
    type: "error",
    code: "banned",
    message: "no",
  });
  expect("cause" in new DanmakuError("banned", "no")).toBe(false);
});
