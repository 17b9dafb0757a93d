import type { Context, Flag, Scenario } from "./scenario.ts";

/** The command line was wrong; the message says how. */
export class UsageError extends Error {}

/** Flags of every scenario. */
export const COMMON_FLAGS: readonly Flag[] = [
  { name: "seconds", kind: "number", default: 5, help: "measured seconds per run, over all rounds" },
  { name: "rounds", kind: "number", default: 5, help: "rounds; the runs take turns, the median counts" },
  { name: "json", kind: "text", default: "", help: "write the result to this file too" },
  {
    name: "markdown",
    kind: "text",
    default: "",
    help: "write a page with the result's table to this file too",
  },
  { name: "help", kind: "switch", default: false, help: "this text" },
];

export interface Command {
  readonly scenario: Scenario;
  readonly context: Context;
  /** File for the JSON, or undefined. */
  readonly json: string | undefined;
  /** File for the page, or undefined. */
  readonly markdown: string | undefined;
}

export type Parsed = Command | { readonly help: Scenario | undefined };

/** Reads `SCENARIO [--flag VALUE…]`. Anything unknown is an error. */
export function parseArguments(
  args: readonly string[],
  scenarios: readonly Scenario[],
  say: (line: string) => void,
): Parsed {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help") return { help: undefined };
  const scenario = scenarios.find((candidate) => candidate.name === name);
  if (scenario === undefined) {
    throw new UsageError(`unknown scenario "${name}"; there are ${scenarios.map((s) => s.name).join(", ")}`);
  }
  const values = readFlags(rest, [...commonFlags(scenario), ...scenario.flags]);
  if (values.get("help") === true) return { help: scenario };
  const value = (flag: string): number | string | boolean => {
    const found = values.get(flag);
    if (found === undefined) throw new Error(`scenario ${scenario.name} has no flag ${flag}`);
    return found;
  };
  const context: Context = {
    seconds: Number(value("seconds")),
    rounds: Number(value("rounds")),
    number: (flag) => Number(value(flag)),
    text: (flag) => String(value(flag)),
    switch: (flag) => value(flag) === true,
    say,
  };
  if (context.seconds <= 0 || !Number.isInteger(context.rounds) || context.rounds < 1) {
    throw new UsageError("--seconds is above 0, --rounds a whole number from 1");
  }
  return {
    scenario,
    context,
    json: String(value("json")) || undefined,
    markdown: String(value("markdown")) || undefined,
  };
}

function commonFlags(scenario: Scenario | undefined): readonly Flag[] {
  const defaults: Readonly<Record<string, number>> = { ...scenario?.defaults };
  return COMMON_FLAGS.map((flag) => ({ ...flag, default: defaults[flag.name] ?? flag.default }));
}

function readFlags(args: readonly string[], flags: readonly Flag[]): Map<string, number | string | boolean> {
  const values = new Map<string, number | string | boolean>(flags.map((flag) => [flag.name, flag.default]));
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    const equals = arg.indexOf("=");
    const name = arg.slice(2, equals < 0 ? undefined : equals);
    const flag = arg.startsWith("--") ? flags.find((candidate) => candidate.name === name) : undefined;
    if (flag === undefined) throw new UsageError(`unknown argument "${arg}"`);
    if (flag.kind === "switch") {
      if (equals >= 0) throw new UsageError(`--${name} takes no value`);
      values.set(name, true);
      continue;
    }
    const text = equals >= 0 ? arg.slice(equals + 1) : args[++i];
    if (text === undefined || text === "") throw new UsageError(`--${name} needs a value`);
    if (flag.kind === "number" && !Number.isFinite(Number(text))) {
      throw new UsageError(`--${name} needs a number, not "${text}"`);
    }
    values.set(name, flag.kind === "number" ? Number(text) : text);
  }
  return values;
}

/** The help, of one scenario or of all. */
export function helpText(scenarios: readonly Scenario[], scenario?: Scenario): string {
  const lines = ["npm run bench -- SCENARIO [--flag VALUE ...]", ""];
  const shown = scenario === undefined ? scenarios : [scenario];
  for (const each of shown) lines.push(`  ${each.name.padEnd(20)} ${each.summary}`);
  lines.push("", "Flags:");
  for (const flag of [...commonFlags(scenario), ...(scenario?.flags ?? [])]) {
    const left = `--${flag.name}${flag.kind === "switch" ? "" : flag.kind === "number" ? " N" : " TEXT"}`;
    const fallback = flag.default === false || flag.default === "" ? "" : ` (default ${flag.default})`;
    lines.push(`  ${left.padEnd(20)} ${flag.help}${fallback}`);
  }
  return lines.join("\n");
}
