/** `npm run bench -- SCENARIO [--seconds N] [--json FILE] [flags]`; see `--help`. */
import { allocation } from "./allocation.ts";
import { codec } from "./codec.ts";
import { compression } from "./compression.ts";
import { connections } from "./connections.ts";
import { dispatch } from "./dispatch.ts";
import { fanout } from "./fanout.ts";
import { helpText, parseArguments, UsageError } from "./harness/arguments.ts";
import { formatPage } from "./harness/page.ts";
import { formatReport, makeReport } from "./harness/report.ts";
import type { Scenario } from "./harness/scenario.ts";
import { idle } from "./idle.ts";
import { ingest } from "./ingest.ts";
import { isolation } from "./isolation.ts";
import { joins } from "./joins.ts";
import { latency } from "./latency.ts";
import { overlay } from "./overlay.ts";
import { pacing } from "./pacing.ts";
import { peers } from "./peers.ts";
import { redis } from "./redis.ts";
import { ring } from "./ring.ts";
import { scheduler } from "./scheduler.ts";
import { socketBuffers } from "./socket-buffers.ts";
import { stalled } from "./stalled.ts";

const SCENARIOS: readonly Scenario[] = [
  ring,
  scheduler,
  codec,
  fanout,
  latency,
  peers,
  pacing,
  isolation,
  stalled,
  socketBuffers,
  compression,
  allocation,
  idle,
  ingest,
  joins,
  connections,
  overlay,
  dispatch,
  redis,
];

async function main(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, SCENARIOS, (line) => console.error(line));
  if ("help" in parsed) {
    console.log(helpText(SCENARIOS, parsed.help));
    return 0;
  }
  const { scenario, context, json, markdown } = parsed;
  const report = makeReport(scenario.name, await scenario.run(context));
  console.log(formatReport(report, scenario.table));
  if (json !== undefined) await Bun.write(json, `${JSON.stringify(report, null, 2)}\n`);
  if (markdown !== undefined) await Bun.write(markdown, formatPage(report, scenario, args));
  return 0;
}

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`bench: ${error.message} (try --help)`);
  process.exit(2);
}
