/**
 * Flags of the command line from one table: the same rows are read from arguments, environment and file, and written
 * out as help. A row's key in the table is the name of the value in code.
 */

import { UsageError } from "./usage-error.ts";
import type { ValueSchema } from "./values.ts";

/** One row: a setting and the ways to give it. */
export interface Flag<T> {
  /** Name without the dashes; also the key in a configuration file. */
  readonly flag: string;
  /** What stands for the value in help; absent for a switch, which may be given alone. */
  readonly argument?: string;
  readonly schema: ValueSchema<T>;
  /** Value where nobody gives one. */
  readonly fallback: T;
  /** The fallback as help shows it, where the value itself would not say it. */
  readonly fallbackHelp?: string;
  /** One line for help. */
  readonly help: string;
  /** May be given several times; the values are joined by commas. */
  readonly repeatable?: boolean;
}

/** A row whose absence is a value of its own. */
export type OptionalFlag<T> = Omit<Flag<T | undefined>, "schema"> & { readonly schema: ValueSchema<T> };

export type FlagTable = Readonly<Record<string, Flag<unknown>>>;
/** The values a table gives. */
export type FlagValues<Table extends FlagTable> = {
  readonly [Key in keyof Table]: Table[Key] extends Flag<infer T> ? T : never;
};

/** Texts by flag name, and where they were found, for messages. */
export interface Source {
  readonly texts: ReadonlyMap<string, string>;
  /** How a message calls the setting: `--port`, `DANMAKUD_PORT`, `port in danmakud.yaml`. */
  readonly describe: (flag: string) => string;
}

/** Arguments taken apart. */
export interface Arguments {
  readonly source: Source;
  readonly positionals: readonly string[];
}

/** Makes a row with a value of its own when it is absent. */
export function flag<T>(row: Flag<T>): Flag<T> {
  return row;
}

/** Makes a row that is `undefined` when absent. */
export function optionalFlag<T>(row: Omit<OptionalFlag<T>, "fallback">): Flag<T | undefined> {
  return { ...row, fallback: undefined } as Flag<T | undefined>;
}

/**
 * Takes arguments apart by a table: `--flag value`, `--flag=value`, `--switch`, and after `--` only positionals. The
 * last of a repeated flag counts.
 * @throws UsageError for an unknown flag, a missing value, or more positionals than `positionalsMax`.
 */
export function readArguments(table: FlagTable, argv: readonly string[], positionalsMax = 0): Arguments {
  const rows = new Map(Object.values(table).map((row) => [row.flag, row]));
  const texts = new Map<string, string>();
  const positionals: string[] = [];
  let flagsEnded = false;
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] ?? "";
    if (flagsEnded || argument === "-" || !argument.startsWith("-")) {
      positionals.push(argument);
      continue;
    }
    if (argument === "--") {
      flagsEnded = true;
      continue;
    }
    const equals = argument.indexOf("=");
    const name = argument.slice(0, equals < 0 ? undefined : equals);
    const row = name.startsWith("--") ? rows.get(name.slice(2)) : undefined;
    if (row === undefined) throw new UsageError(`unknown flag ${name}`);
    let text: string | undefined;
    if (equals >= 0) text = argument.slice(equals + 1);
    else if (row.argument === undefined) text = "on";
    else text = argv[++at];
    if (text === undefined || (equals < 0 && text.startsWith("--"))) {
      throw new UsageError(`${name} needs a value: ${name} ${row.argument ?? ""}`.trimEnd());
    }
    const before = row.repeatable ? texts.get(row.flag) : undefined;
    texts.set(row.flag, before === undefined ? text : `${before},${text}`);
  }
  const surplus = positionals[positionalsMax];
  if (surplus !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(surplus)}`);
  return { source: { texts, describe: (name) => `--${name}` }, positionals };
}

/** Environment variable of a flag: `room-ttl` → `DANMAKUD_ROOM_TTL`. */
export function environmentName(flagName: string): string {
  return `DANMAKUD_${flagName.toUpperCase().replaceAll("-", "_")}`;
}

/** The table's settings in an environment. A variable that is set but empty counts as absent, as shells leave them. */
export function readEnvironment(
  table: FlagTable,
  environment: Readonly<Record<string, string | undefined>>,
): Source {
  const texts = new Map<string, string>();
  for (const { flag: name } of Object.values(table)) {
    const text = environment[environmentName(name)];
    if (text !== undefined && text !== "") texts.set(name, text);
  }
  return { texts, describe: environmentName };
}

/**
 * Values of a table: for each row the first source that has it, else the fallback.
 * @throws UsageError naming the source of a text that the row's schema refuses.
 */
export function resolveFlags<Table extends FlagTable>(
  table: Table,
  sources: readonly Source[],
): FlagValues<Table> {
  const values: Record<string, unknown> = {};
  for (const [key, row] of Object.entries(table)) {
    const source = sources.find(({ texts }) => texts.has(row.flag));
    values[key] = source === undefined ? row.fallback : readValue(row.flag, row.schema, source);
  }
  return values as FlagValues<Table>;
}

function readValue<T>(name: string, schema: ValueSchema<T>, source: Source): T {
  const result = schema.safeParse(source.texts.get(name));
  if (result.success) return result.data;
  const reasons = result.error.issues.map((issue) => issue.message).join("; ");
  throw new UsageError(`${source.describe(name)} ${reasons}`);
}

/** The table as lines for a terminal, two columns. */
export function renderFlags(table: FlagTable): string {
  const rows = Object.values(table).map((row) => {
    const fallback = row.fallbackHelp ?? (row.fallback === undefined ? "" : showFallback(row.fallback));
    const left = row.argument === undefined ? `--${row.flag}` : `--${row.flag} ${row.argument}`;
    return { left, right: fallback === "" ? row.help : `${row.help} (default ${fallback})` };
  });
  const width = Math.max(...rows.map(({ left }) => left.length));
  return rows.map(({ left, right }) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

function showFallback(value: unknown): string {
  if (value === false) return "off";
  if (value === true) return "on";
  if (Array.isArray(value)) return value.join(",");
  return String(value);
}
