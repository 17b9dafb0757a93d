import { availableParallelism, totalmem } from "node:os";
import { METRIC_UNITS, type Run, type Scenario } from "./scenario.ts";

export interface Report {
  readonly scenario: string;
  readonly machine: { readonly cores: number; readonly memoryMiB: number; readonly runtime: string };
  readonly runs: readonly Run[];
}

/** The result as it is written to the file, checked: numbers only, and every name with its unit. */
export function makeReport(scenario: string, runs: readonly Run[]): Report {
  for (const run of runs) {
    for (const [name, value] of Object.entries(run.metrics)) {
      if (!METRIC_UNITS.some((unit) => name.endsWith(unit))) throw new Error(`metric ${name} names no unit`);
      if (!Number.isFinite(value)) throw new Error(`metric ${name} of ${run.name} is ${value}`);
    }
  }
  const machine = {
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    runtime: `bun ${Bun.version}`,
  };
  return { scenario, machine, runs };
}

/** The result for the terminal: a line per run, the spread in brackets behind its metric. */
export function formatReport(report: Report, table?: Scenario["table"]): string {
  const { machine } = report;
  const lines = [
    `${report.scenario} on ${machine.cores} cores, ${machine.memoryMiB} MiB, ${machine.runtime}`,
    "",
  ];
  const columns =
    table?.metrics ??
    [...new Set(report.runs.flatMap((run) => Object.keys(run.metrics)))].filter(
      (name) => !name.endsWith("SpreadRatio"),
    );
  const params = table?.params ?? [];
  const rows = report.runs.map((run) => [
    run.name,
    ...params.map((name) => String(run.params[name] ?? "")),
    ...columns.map((name) => cell(run, name)),
  ]);
  const cells = [["run", ...params, ...columns], ...rows];
  const widths =
    cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of cells) {
    lines.push(
      row
        .map((text, column) =>
          column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0),
        )
        .join("  "),
    );
  }
  lines.push("");
  for (const run of report.runs) {
    const load = Object.entries(run.params).map(([name, value]) => `${name}=${value}`);
    lines.push(`${run.name}: ${load.join(" ")}`);
  }
  return lines.join("\n");
}

/** A metric of a run with its spread, for people; empty where there is none. */
export function cell(run: Run, name: string): string {
  const value = run.metrics[name];
  if (value === undefined) return "";
  const spread = run.metrics[`${name}SpreadRatio`];
  return formatNumber(value) + (spread === undefined ? "" : ` (±${Math.round(spread * 50)} %)`);
}

function formatNumber(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return Number(value.toPrecision(3)).toString();
}
