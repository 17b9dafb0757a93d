#!/usr/bin/env bun
/** The command line: finds the subcommand, and turns what it throws into one message and an exit code. */
import packageFile from "../../package.json" with { type: "json" };
import { UsageError } from "../config/index.ts";
import { type Command, EXIT } from "./command.ts";

/** Loaded when asked for: `token` does not pay for the server's modules. */
const COMMANDS: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  serve: () => import("./serve.ts"),
  dispatch: () => import("./dispatch.ts"),
  replay: () => import("./replay.ts"),
  tail: () => import("./tail.ts"),
  export: () => import("./export.ts"),
  moderate: () => import("./moderate.ts"),
  token: () => import("./token.ts"),
  "check-config": () => import("./check-config.ts"),
};

/** Promised names that this version does not have yet. */
const LATER = ["simulate"];

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  const usage = name === undefined ? "danmakud" : `danmakud ${name}`;
  try {
    if (name === undefined) throw new UsageError("which command?");
    if (name === "--help" || name === "-h" || name === "help") return say(await overview());
    if (name === "--version" || name === "-V") return say(packageFile.version);
    const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (load === undefined) {
      throw new UsageError(
        LATER.includes(name) ? `${name} is not in this version` : `unknown command ${name}`,
      );
    }
    const { command } = await load();
    const flags = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
    if (flags.includes("--help") || flags.includes("-h")) return say(command.help());
    if (flags.includes("--version")) return say(packageFile.version);
    return await command.run(rest);
  } catch (error) {
    if (error instanceof UsageError) {
      const known = name !== undefined && Object.hasOwn(COMMANDS, name);
      console.error(`danmakud: ${error.message}\nSee: ${known ? usage : "danmakud"} --help`);
      return EXIT.usage;
    }
    console.error(`danmakud: ${explain(error)}`);
    return EXIT.failed;
  }
}

function say(text: string): number {
  console.log(text);
  return EXIT.ok;
}

async function overview(): Promise<string> {
  const entries = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => [name, (await load()).command.summary] as const),
  );
  const width = Math.max(...entries.map(([name]) => name.length));
  const lines = entries.map(([name, summary]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Live comments for very many viewers.\n\nUsage: danmakud COMMAND [flags]\n\n${lines.join("\n")}\n\nEach takes --help.`;
}

/** Errors of the language and failed assertions: mistakes of ours, to be found by their stack. */
const MISTAKES = ["AssertionError", "RangeError", "ReferenceError", "SyntaxError", "TypeError"];

/** What the world did, in one line for the operator; our own mistakes with their stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return MISTAKES.includes(error.name) ? (error.stack ?? error.message) : error.message;
}

process.exitCode = await main(process.argv.slice(2));
