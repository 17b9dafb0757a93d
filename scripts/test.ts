/**
 * `npm test [SUITE...]`: installs what the tests need and is missing, runs every suite (or those named), and closes with the
 * line `N passed, N failed`. Exits with 1 where a test failed or none ran.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Glob, type Subprocess } from "bun";

interface Suite {
  readonly name: string;
  readonly files: readonly string[];
  /** Mostly waits for time to pass: its files run beside everything else, each in a process of its own. */
  readonly waits?: true;
}

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** One test; those that take longer on purpose say so themselves. Machines are shared, so this is wide. */
const TEST_MS_MAX = 60_000;
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

const root = join(import.meta.dir, "..");
const reports = mkdtempSync(join(tmpdir(), "danmakud-test-report-"));
const running = new Set<Subprocess>();

function filesOf(pattern: string, except?: string): string[] {
  const files = [...new Glob(pattern).scanSync({ cwd: root })];
  return files
    .filter((file) => !file.includes("node_modules/") && !(except && file.startsWith(except)))
    .sort()
    .map((file) => `./${file}`);
}

const SUITES: readonly Suite[] = [
  { name: "waiting", files: filesOf("tests/integration/waiting/**/*.test.ts"), waits: true },
  { name: "unit", files: filesOf("{packages,bench,scripts}/**/*.test.ts") },
  { name: "integration", files: filesOf("tests/integration/**/*.test.ts", "tests/integration/waiting/") },
  { name: "chaos", files: filesOf("tests/chaos/**/*.test.ts") },
  { name: "browser", files: filesOf("tests/browser/**/*.test.ts") },
];

/** Programs that some suites need, and how Debian calls their packages. */
interface Need {
  readonly what: string;
  readonly packages: readonly string[];
  readonly hint?: string;
  readonly isMet: () => boolean;
}

const BROWSER: Need = {
  what: `the browser suite, which needs ${CHROMIUM}`,
  packages: ["chromium", "fonts-noto-cjk"],
  hint: "(or set CHROMIUM to the path of another Chromium)",
  isMet: () => existsSync(CHROMIUM),
};
const REDIS: Need = {
  what: "the tests on Redis, which need redis-server and redis-sentinel 7 or newer",
  packages: ["redis-server", "redis-sentinel"],
  isMet: () => ["redis-server", "redis-sentinel", "redis-cli"].every((name) => Bun.which(name) !== null),
};

/** Installs what is needed where that is possible; says what to do where it is not. */
async function prepare({ what, packages, hint, isMet }: Need): Promise<boolean> {
  if (isMet()) return true;
  const install = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (process.getuid?.() === 0 && Bun.which("apt-get")) {
    console.log(`installing ${packages.join(" and ")} for the tests`);
    // The run level keeps a service from being started: the tests start their own servers.
    const shell = `apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive ${install} -qq`;
    const child = start(["sh", "-c", shell], "ignore");
    await child.exited;
    if (isMet()) return true;
  }
  console.log(`left out: ${what}. Run as root: apt-get update && ${install}`);
  if (hint !== undefined) console.log(hint);
  return false;
}

/** The example in React has packages of its own; its test leaves itself out where they are not there. */
async function installReactExample(): Promise<void> {
  const folder = join(root, "examples/react");
  if (existsSync(join(folder, "node_modules/react"))) return;
  console.log("installing the packages of examples/react for its test");
  await start(["npm", "ci", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error"], "inherit")
    .exited;
}

function start(command: string[], output: "inherit" | "pipe" | "ignore"): Subprocess {
  const child = Bun.spawn(command, { cwd: root, stdin: "ignore", stdout: output, stderr: output });
  running.add(child);
  child.exited.finally(() => running.delete(child));
  return child;
}

/** Runs files in one process of the test runner. Output is shown as it comes, or at the end where others run beside it. */
async function runFiles(name: string, files: readonly string[], live: boolean): Promise<Counts> {
  const report = join(reports, `${name.replace(/\W/g, "-")}.xml`);
  const reporter = ["--reporter=junit", `--reporter-outfile=${report}`];
  const command = [process.execPath, "test", "--timeout", String(TEST_MS_MAX), ...reporter, ...files];
  const child = start(command, live ? "inherit" : "pipe");
  if (!live) {
    const texts = await Promise.all(
      [child.stdout, child.stderr].map((stream) => new Response(stream as ReadableStream).text()),
    );
    console.log(texts.join("").trimEnd());
  }
  await child.exited;
  const counts = readReport(report);
  const ended = child.exitCode ?? child.signalCode;
  // A runner that crashed, or failed outside of any test, must not pass for a success.
  if (ended !== 0 && counts.failed === 0) {
    console.log(`${name}: the test runner ended with ${ended}`);
    counts.failed++;
  }
  return counts;
}

function readReport(path: string): Counts {
  if (!existsSync(path)) return { passed: 0, failed: 0, skipped: 0 };
  const head = /<testsuites [^>]*>/.exec(readFileSync(path, "utf8"))?.[0] ?? "";
  const count = (attribute: string) => Number(new RegExp(` ${attribute}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  const skipped = count("skipped");
  return { passed: count("tests") - failed - skipped, failed, skipped };
}

function add(all: readonly Counts[]): Counts {
  const sum: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of all) {
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  return sum;
}

function describe({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

async function runSuite({ name, files, waits }: Suite): Promise<Counts> {
  if (!waits) return await runFiles(name, files, true);
  return add(await Promise.all(files.map((file) => runFiles(`${name}-${file}`, [file], false))));
}

function chosenSuites(names: readonly string[]): readonly Suite[] {
  const known = SUITES.map((suite) => suite.name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`npm test: no suite "${unknown.join('", "')}"; there are ${known.join(", ")}`);
    process.exit(2);
  }
  return SUITES.filter(
    (suite) => suite.files.length > 0 && (names.length === 0 || names.includes(suite.name)),
  );
}

async function main(): Promise<void> {
  let suites = chosenSuites(process.argv.slice(2));
  const withBrowser = suites.some((suite) => suite.name === "browser") && (await prepare(BROWSER));
  if (!withBrowser) suites = suites.filter((suite) => suite.name !== "browser");
  else await installReactExample();

  // Those that need Redis leave themselves out where it is not there.
  if (suites.some((suite) => suite.name === "integration" || suite.name === "chaos")) await prepare(REDIS);

  const lines: string[] = [];
  const results: Counts[] = [];
  const run = async (suite: Suite) => {
    const began = performance.now();
    const counts = await runSuite(suite);
    results.push(counts);
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    lines.push(`${suite.name}: ${describe(counts)} (${seconds} s)`);
  };
  const waiting = Promise.all(suites.filter((suite) => suite.waits).map(run));
  for (const suite of suites.filter((each) => !each.waits)) {
    console.log(`\n== ${suite.name}`);
    await run(suite);
  }
  await waiting;

  const total = add(results);
  console.log(`\n${lines.join("\n")}\n${describe(total)}`);
  if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill("SIGTERM");
    rmSync(reports, { recursive: true, force: true });
    process.exit(1);
  });
}
try {
  await main();
} finally {
  rmSync(reports, { recursive: true, force: true });
}
