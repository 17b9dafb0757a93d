/** The result as a Markdown page: machine, command, table, and the load of every run. */
import { cell, type Report } from "./report.ts";
import type { Scenario } from "./scenario.ts";

/** `args`: the command line behind `npm run bench --`. */
export function formatPage(report: Report, scenario: Scenario, args: readonly string[]): string {
  const { machine, runs } = report;
  const params = scenario.table?.params ?? [];
  const metrics =
    scenario.table?.metrics ??
    [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))].filter(
      (name) => !name.endsWith("SpreadRatio"),
    );
  const measured = runs.filter((run) => run.params.missing === undefined);
  const missing = runs.filter((run) => run.params.missing !== undefined);
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    `# ${scenario.name}`,
    "",
    `${scenario.summary[0]?.toUpperCase()}${scenario.summary.slice(1)}.`,
    "",
    ...(scenario.about === undefined ? [] : [scenario.about, ""]),
    `Machine: ${machine.cores} cores, ${machine.memoryMiB} MiB, ${machine.runtime}; load generator on the same machine.`,
    "",
    "```sh",
    `npm run bench -- ${args.join(" ")}`,
    "```",
    "",
    "Medians of the rounds; in brackets half of the distance between the best and the worst round.",
    "",
    row(["run", ...params, ...metrics]),
    row(["---", ...params.map(() => "---:"), ...metrics.map(() => "---:")]),
    ...measured.map((run) =>
      row([
        run.name,
        ...params.map((name) => String(run.params[name] ?? "")),
        ...metrics.map((name) => cell(run, name)),
      ]),
    ),
    "",
    ...missing.flatMap((run) => [`Missing: **${run.name}**: ${run.params.missing}`, ""]),
    ...(scenario.besideTable === undefined ? [] : [scenario.besideTable(measured), ""]),
    "<details><summary>The load of each run</summary>",
    "",
    ...measured.map((run) => {
      const load = Object.entries(run.params).map(([name, value]) => `${name}=${value}`);
      return `- ${run.name}: ${load.join(", ")}`;
    }),
    "",
    "</details>",
    "",
  ].join("\n");
}
