import { measureInTurns } from "./harness/rounds.ts";
import type { Context, Metrics, Run, Scenario } from "./harness/scenario.ts";
import { LOAD } from "./scheduler/load.ts";

/** Timers of the wheel, of one plain binary heap and of the runtime, each on one core in a process of its own. */
export const scheduler: Scenario = {
  name: "scheduler",
  summary: "timers: the wheel against a binary heap and setTimeout",
  about: `\`wheel\`: the hierarchical timing wheel with a heap for the present millisecond (\`packages/core/src/timing\`). \`heap\`: one binary
heap of objects that know their place. \`setTimeout\`: the runtime's own. Each in a process of its own.

\`firedPerSecond\` is insert + fire with 10,000 pending, each timer that fires setting the next. \`cancelledPerSecond\` is insert +
cancel. Lateness and \`advanceMaxMs\` (the longest call) are taken in real time under the mixed load: a million pending over a
minute, each set again when it fires, and 50,000 more per second of 1 ms to 5 s, half of them taken back.

Memory: \`bytesPerTimer\` is by how much the resident memory of the process grew when a million timers were set (a hundred
thousand of \`setTimeout\`), divided by their number. \`arrayBytesPerTimer\` is what the wheel itself has allocated for them:
typed arrays, 32 bytes a timer, which no collector looks at.

On a machine where other programs run, lateness is theirs: with both cores busy otherwise the wheel's P99 was 3.4 ms, the
heap's 43 ms.`,
  besideTable: sideBySide,
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

/** What the design that this one goes back to states of itself; on another machine, its load not described further. */
const STATED = [
  { name: "that design, one heap", firedPerSecond: 21_000, meanMs: 8.2, p99Ms: 47 },
  { name: "that design, wheel and heap", firedPerSecond: 186_000, meanMs: 1.3, p99Ms: 8.9 },
] as const;

const HERE: Readonly<Record<string, string>> = {
  heap: "one heap, here",
  wheel: "wheel and heap, here",
  setTimeout: "`setTimeout`, here",
};

/** The figures beside those of the design that the wheel goes back to. */
function sideBySide(runs: readonly Run[]): string {
  const here = ["heap", "wheel", "setTimeout"].flatMap((name) => {
    const run = runs.find((one) => one.name === name);
    if (run === undefined) return [];
    const {
      firedPerSecond = Number.NaN,
      latenessMeanMs = Number.NaN,
      latenessP99Ms = Number.NaN,
    } = run.metrics;
    return [{ name: HERE[name] ?? name, firedPerSecond, meanMs: latenessMeanMs, p99Ms: latenessP99Ms }];
  });
  const rows = [...STATED, ...here].map(
    ({ name, firedPerSecond, meanMs, p99Ms }) =>
      `| ${name} | ${Math.round(firedPerSecond).toLocaleString("en-US")} | ${short(meanMs)} ms | ${short(p99Ms)} ms |`,
  );
  return [
    "Beside them what the design that this one goes back to states of itself, on another machine and under a load that is not",
    "described further:",
    "",
    "| | fired per second | mean lateness | P99 lateness |",
    "| --- | ---: | ---: | ---: |",
    ...rows,
  ].join("\n");
}

function short(value: number): string {
  return String(Number(value.toPrecision(2)));
}
