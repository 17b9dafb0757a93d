import { describe, expect, test } from "bun:test";
import { helpText, parseArguments, UsageError } from "./arguments.ts";
import { formatReport, makeReport } from "./report.ts";
import { measureInTurns, median, percentile } from "./rounds.ts";
import type { Context, Scenario } from "./scenario.ts";

const scenario: Scenario = {
  name: "sample",
  summary: "a sample",
  flags: [
    { name: "batch", kind: "number", default: 64, help: "records per batch" },
    { name: "peer", kind: "text", default: "none", help: "whom to compare with" },
    { name: "fast", kind: "switch", default: false, help: "cut corners" },
  ],
  run: async () => [],
};

function parse(...args: string[]): Context {
  const parsed = parseArguments(args, [scenario], () => {});
  if ("help" in parsed) throw new Error("help");
  return parsed.context;
}

describe("arguments", () => {
  test("flags, their values and their defaults", () => {
    const context = parse("sample", "--batch", "8", "--peer=ws", "--fast", "--seconds", "0.5");
    expect([context.number("batch"), context.text("peer"), context.switch("fast")]).toEqual([8, "ws", true]);
    expect([context.seconds, context.rounds]).toEqual([0.5, 5]);
    const plain = parse("sample");
    expect([plain.number("batch"), plain.text("peer"), plain.switch("fast")]).toEqual([64, "none", false]);
  });

  test.each([
    [["other"], 'unknown scenario "other"'],
    [["sample", "--what"], 'unknown argument "--what"'],
    [["sample", "extra"], 'unknown argument "extra"'],
    [["sample", "--batch"], "--batch needs a value"],
    [["sample", "--batch", "many"], "--batch needs a number"],
    [["sample", "--fast=yes"], "--fast takes no value"],
    [["sample", "--seconds", "0"], "--seconds is above 0"],
    [["sample", "--rounds", "1.5"], "--rounds a whole number"],
  ])("%j is refused", (args, message) => {
    expect(() => parse(...args)).toThrow(UsageError);
    expect(() => parse(...args)).toThrow(message);
  });

  test("help names every scenario, or every flag of one", () => {
    expect(parseArguments(["--help"], [scenario], () => {})).toEqual({ help: undefined });
    expect(parseArguments(["sample", "--help"], [scenario], () => {})).toEqual({ help: scenario });
    expect(helpText([scenario])).toContain("a sample");
    expect(helpText([scenario], scenario)).toContain("--batch N");
  });
});

test("the runs take turns, one round is thrown away, the median counts", async () => {
  const order: string[] = [];
  const contestant = (name: string, values: number[]) => ({
    name,
    params: {},
    measure: () => {
      order.push(name);
      return { recordsPerSecond: values.shift() ?? 0 };
    },
  });
  const context: Context = { ...parse("sample"), rounds: 3 };
  const runs = await measureInTurns(context, [
    contestant("a", [1, 10, 30, 20]),
    contestant("b", [1, 5, 5, 5]),
  ]);
  expect(order.join("")).toBe("ababbaab");
  expect(runs.map((run) => run.metrics)).toEqual([
    { recordsPerSecond: 20, recordsPerSecondSpreadRatio: 1 },
    { recordsPerSecond: 5, recordsPerSecondSpreadRatio: 0 },
  ]);
});

test("middle and percentiles", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(percentile([1, 2, 3, 4], 0.5)).toBe(3);
  expect(percentile([1, 2, 3, 4], 1)).toBe(4);
});

describe("report", () => {
  test("says the machine, the runs and the spread", () => {
    const metrics = { recordsPerSecond: 5_000_000, recordsPerSecondSpreadRatio: 0.1, encodeNs: 12.345 };
    const report = makeReport("sample", [{ name: "one", params: { batch: 8 }, metrics }]);
    expect(Object.keys(report.machine)).toEqual(["cores", "memoryMiB", "runtime"]);
    const text = formatReport(report);
    expect(text).toContain("5,000,000 (±5 %)");
    expect(text).toContain("12.3");
    expect(text).toContain("one: batch=8");
  });

  test("refuses a metric without a unit, or without a number", () => {
    const report = (metrics: Record<string, number>) => makeReport("s", [{ name: "x", params: {}, metrics }]);
    expect(() => report({ speed: 1 })).toThrow("names no unit");
    expect(() => report({ recordsPerSecond: Number.NaN })).toThrow("NaN");
  });
});
