import { describe, expect, test } from "bun:test";
import { DanmakuError } from "@danmakud/wire";
import {
  mergeSettings,
  parseSettingsPatch,
  ROOM_SETTINGS_DEFAULT,
  settingsFromText,
  settingsText,
} from "./settings.ts";

function refusalOf(json: string): string {
  try {
    parseSettingsPatch(JSON.parse(json));
    return "none";
  } catch (error) {
    if (!(error instanceof DanmakuError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

describe("a change of settings", () => {
  test.each([
    ["delayMs", 600_000],
    ["slowModeMs", 3_600_000],
  ] as const)("takes %s from 0 to %i ms", (name, most) => {
    for (const value of [0, 1, most])
      expect(parseSettingsPatch({ [name]: value })).toEqual({ [name]: value });
    for (const value of [-1, most + 1, 0.5, "1", null]) {
      expect(() => parseSettingsPatch({ [name]: value })).toThrow(
        `${name} is not a whole number from 0 to ${most}`,
      );
    }
  });

  test("takes maxRate from 0 to a million, and nothing at all", () => {
    for (const maxRate of [0, 1, 50, 1_000_000]) expect(parseSettingsPatch({ maxRate })).toEqual({ maxRate });
    expect(parseSettingsPatch({})).toEqual({});
    expect(Object.is(parseSettingsPatch(JSON.parse('{"maxRate":-0}')).maxRate, 0)).toBe(true);
  });

  test.each(["-1", "1000001", "0.5", "1e400", '"5"', "null", "true", "[]"])(
    "refuses a maxRate of %s",
    (value) => {
      expect(refusalOf(`{"maxRate":${value}}`)).toStartWith("invalid_message: maxRate is not a whole number");
    },
  );

  test("says of settings that are known which of them this version lacks", () => {
    for (const name of Object.keys(ROOM_SETTINGS_DEFAULT)) {
      if (["maxRate", "delayMs", "slowModeMs"].includes(name)) continue;
      expect(refusalOf(`{"maxRate":1,"${name}":0}`)).toBe(`invalid_message: ${name} is not in this version`);
    }
  });

  test.each(['{"maxrate":1}', '{"__proto__":1}', '{"toString":1}', '{"":1}'])(
    "refuses the unknown %s",
    (json) => {
      expect(refusalOf(json)).toStartWith("invalid_message: unknown setting");
    },
  );

  test.each(["null", "[]", "5", '"maxRate"', "true"])("refuses %s, which is no object", (json) => {
    expect(refusalOf(json)).toBe("invalid_message: settings are a JSON object");
  });
});

test("settings come back from their text, and the default has none", () => {
  const changed = mergeSettings(ROOM_SETTINGS_DEFAULT, { maxRate: 50, delayMs: 5 });
  expect(changed).toEqual({ ...ROOM_SETTINGS_DEFAULT, maxRate: 50, delayMs: 5 });
  expect(settingsFromText(settingsText(changed))).toEqual(changed);
  expect(settingsText(mergeSettings(changed, { maxRate: 0, delayMs: 0 }))).toBe("");
  expect(settingsFromText("")).toBe(ROOM_SETTINGS_DEFAULT);
  expect(mergeSettings(changed, {})).toEqual(changed);
});
