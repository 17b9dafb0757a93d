import { measureInTurns } from "./harness/rounds.ts";
import type { Context, Metrics, Run, Scenario } from "./harness/scenario.ts";
import { LOAD } from "./scheduler/load.ts";

/**
 * Timers: the wheel against one plain binary heap and the runtime's `setTimeout`, each on one core in a process of its
 * own. `firedPerSecond`: insert + fire, each timer setting the next. `cancelledPerSecond`: insert + cancel. Lateness:
 * in real time, with a million pending and others set and taken back beside them. `advanceMaxMs`: the longest call.
 */
export const scheduler: Scenario = {
  name: "scheduler",
  summary: "timers: the wheel against a binary heap and setTimeout",
  flags: [],
  defaults: { seconds: 45, rounds: 3 },
  run(context: Context): Promise<readonly Run[]> {
    const { pending, setPerSecond, takenBackOfTen } = LOAD;
    const params = { pending, setPerSecond, takenBackRatio: takenBackOfTen / 10 };
    return measureInTurns(
      context,
      ["wheel", "heap", "setTimeout"].map((name) => ({
        name,
        params,
        measure: (seconds: number) => measureInProcess(name, seconds),
      })),
    );
  },
};

async function measureInProcess(name: string, seconds: number): Promise<Metrics> {
  const file = new URL("./scheduler/process.ts", import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, file, name, String(seconds)], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`the process of ${name} has failed`);
  return JSON.parse(text) as Metrics;
}
