/** The file of `--config`: YAML, one key per flag. */
import { readFileSync } from "node:fs";
import type { FlagTable, Source } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/** Far beyond any real file; a wrong path (a log, a device) is not read into memory whole. */
const CONFIG_BYTES_MAX = 1 << 20;

/**
 * Reads a configuration file. Keys are the flags' names without dashes in front; `room-ttl`, `room_ttl` and `roomTtl`
 * are the same key.
 * @throws UsageError where it cannot be read, is not a YAML mapping, or has an unknown key or a nested value.
 */
export function readConfigFile(table: FlagTable, path: string): Source {
  const names = new Set(Object.values(table).map((row) => row.flag));
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(readMapping(path))) {
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replaceAll("_", "-");
    if (!names.has(name)) throw new UsageError(`unknown key ${JSON.stringify(key)} in ${path}`);
    if (texts.has(name)) throw new UsageError(`${name} is given twice in ${path}`);
    const text = scalarText(value);
    if (text === undefined) throw new UsageError(`${key} in ${path} must be a plain value`);
    if (text !== "") texts.set(name, text);
  }
  return { texts, describe: (name) => `${name} in ${path}` };
}

function readMapping(path: string): object {
  let parsed: unknown;
  try {
    const bytes = readFileSync(path);
    if (bytes.length > CONFIG_BYTES_MAX) throw new Error("larger than 1 MiB");
    parsed = Bun.YAML.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`cannot read the configuration ${path}: ${reason}`, { cause });
  }
  if (parsed === null || parsed === undefined) return {};
  if (typeof parsed !== "object" || Array.isArray(parsed)) {
    throw new UsageError(`${path} must be a mapping of keys to values`);
  }
  return parsed;
}

/** The text that a person would have given as a flag, or undefined for a nested value. Null is "not given". */
function scalarText(value: unknown): string | undefined {
  if (value === null) return "";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "string" || typeof value === "number") return String(value);
  if (!Array.isArray(value)) return undefined;
  const items = value.map(scalarText);
  return items.every((item) => item !== undefined) ? items.join(",") : undefined;
}
