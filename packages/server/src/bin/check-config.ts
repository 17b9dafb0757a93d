import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseServe, renderFlags, SERVE_FLAGS, type ServeOptions } from "../config/index.ts";
import { type Command, EXIT } from "./command.ts";

export const command: Command = {
  summary: "check what serve would run with",
  help: () => `Usage: danmakud check-config [flags of serve]

Takes the flags of serve, with the environment and the --config file, and says what would be run
with; starts nothing. Exits with 2 for a setting that is wrong, 1 for a file that is not there.

${renderFlags(SERVE_FLAGS)}`,
  run: async (argv) => {
    const { warnings, ...options } = parseServe(argv, process.env);
    console.log(JSON.stringify(options, null, 2));
    for (const warning of warnings) console.error(`warning: ${warning}`);
    const problems = findProblems(options);
    for (const problem of problems) console.error(`problem: ${problem}`);
    return problems.length === 0 ? EXIT.ok : EXIT.failed;
  },
};

/** What would keep a node from starting, though every setting is right by itself. */
function findProblems(options: Omit<ServeOptions, "warnings">): readonly string[] {
  const problems: string[] = [];
  for (const file of [options.authSecretFile, options.tlsCert, options.tlsKey]) {
    if (file === undefined) continue;
    const reason = failure(() => accessSync(file, constants.R_OK));
    if (reason !== undefined) problems.push(`cannot read ${file}: ${reason}`);
  }
  const folder = nearestExisting(resolve(options.data));
  const reason = failure(() => accessSync(folder, constants.W_OK | constants.X_OK));
  if (reason !== undefined) problems.push(`cannot write to ${folder} for --data: ${reason}`);
  else if (!statSync(folder).isDirectory()) problems.push(`${folder} is no folder, for --data`);
  return problems;
}

/** The folder itself, or the nearest one above it that exists: the rest is made at the start. */
function nearestExisting(path: string): string {
  const missing = failure(() => statSync(path)) !== undefined;
  return missing && dirname(path) !== path ? nearestExisting(dirname(path)) : path;
}

function failure(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
