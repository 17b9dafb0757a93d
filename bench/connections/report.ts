import type { Run } from "../harness/scenario.ts";

export interface ReportInput {
  readonly count: number;
  readonly runs: readonly Run[];
  readonly stopped: string | undefined;
}

export async function writeReport(file: string, input: ReportInput): Promise<void> {
  await Bun.write(file, JSON.stringify(input, null, 2));
}
