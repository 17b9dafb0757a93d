import { expect, test } from "bun:test";
import { chooseLanguage, PHRASES, type Phrase, phrase } from "./i18n.ts";
import { LatencyMeter } from "./latency.ts";
import { nameHue } from "./list.ts";
import { RateMeter } from "./rate.ts";
import { shownState } from "./status.ts";
import { blockedWords, DEFAULT_SETTINGS, overlaySettings, parseSettings } from "./storage.ts";

test("the language is the first known one of the preferences, else English", () => {
  expect(chooseLanguage(["fr-FR", "zh-TW", "en"])).toBe("zh");
  expect(chooseLanguage(["EN-gb", "zh"])).toBe("en");
  expect(chooseLanguage(["fr"])).toBe("en");
  expect(chooseLanguage([])).toBe("en");
});

test("both languages have the same places to fill in every phrase", () => {
  const places = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
  for (const key of Object.keys(PHRASES.en) as Phrase[]) {
    expect(places(PHRASES.zh[key])).toEqual(places(PHRASES.en[key]));
  }
  expect(phrase("en", "errorRate", { n: 3 })).toBe("Too fast. Try again in 3 s.");
});

test("every phrase that the page names exists", async () => {
  const html = await Bun.file(new URL("./index.html", import.meta.url)).text();
  const named = [...html.matchAll(/data-(?:text|label|title|placeholder)="(\w+)"/g)].map(
    (match) => match[1] ?? "",
  );
  expect(named.length).toBeGreaterThan(20);
  for (const key of named) expect(key in PHRASES.en ? "known" : key).toBe("known");
});

test("stored settings that are broken or out of range fall back to the defaults", () => {
  expect(parseSettings(null)).toEqual(DEFAULT_SETTINGS);
  expect(parseSettings("{")).toEqual(DEFAULT_SETTINGS);
  expect(parseSettings("7")).toEqual(DEFAULT_SETTINGS);
  expect(parseSettings('{"opacity":5000,"speed":"fast","visible":0}')).toEqual(DEFAULT_SETTINGS);
  expect(parseSettings('{"opacity":40,"visible":false}')).toEqual({
    ...DEFAULT_SETTINGS,
    opacity: 40,
    visible: false,
  });
});

test("the rate counts the last minute and forgets what is older", () => {
  const rate = new RateMeter();
  rate.add(5, 1_000);
  rate.add(3, 30_000);
  expect(rate.perMinute(31_000)).toBe(8);
  expect(rate.perMinute(62_000)).toBe(3);
  expect(rate.perMinute(10_000_000)).toBe(0);
});

test("the state shown tells a first connection from a return, and a loss from an end", () => {
  const base = { reconnect: false } as const;
  expect(shownState({ ...base, state: "connecting" })).toBe("connecting");
  expect(shownState({ ...base, state: "connected" })).toBe("connected");
  expect(shownState({ state: "connecting", reconnect: true })).toBe("reconnecting");
  expect(shownState({ state: "connected", reconnect: true, resumed: true })).toBe("resumed");
  expect(shownState({ state: "connected", reconnect: true, resumed: false })).toBe("restarted");
  expect(shownState({ ...base, state: "disconnected", code: 1006, retryInMs: 10 })).toBe("reconnecting");
  expect(shownState({ ...base, state: "disconnected", code: 4503 })).toBe("ended");
});

test("a name's colour depends on the name alone", () => {
  expect(nameHue("mika")).toBe(nameHue("mika"));
  expect(nameHue("mika")).not.toBe(nameHue("sora"));
  expect(nameHue("")).toBeGreaterThanOrEqual(0);
});

test("settings become the overlay's; everything is shown at full density", () => {
  expect(overlaySettings(DEFAULT_SETTINGS)).toMatchObject({ maxPerSecond: 0, mergeWindowMs: 0, area: 0.75 });
  const settings = { ...DEFAULT_SETTINGS, density: 50, merge: true, blocked: "Spoiler, 剧透，, " };
  expect(overlaySettings(settings)).toMatchObject({
    maxPerSecond: 10,
    filter: { keywords: ["spoiler", "剧透"] },
  });
  expect(blockedWords(DEFAULT_SETTINGS)).toEqual([]);
});

test("latency is told whatever the difference between the clocks", () => {
  const meter = new LatencyMeter();
  expect(meter.latencyMs).toBeUndefined();
  for (const took of [4, 30, 5, 6, 7]) meter.arrived(1_000_000, 1_000_000 - 90_000 + took);
  expect(meter.latencyMs).toBeUndefined();
  meter.roundTrip(8);
  meter.roundTrip(300);
  expect(meter.latencyMs).toBe(2 + 4);
});
