/** The run as a Markdown page. */
import { totalmem } from "node:os";
import type { Run } from "../harness/scenario.ts";
import { describeMachine } from "./system.ts";

const MIB = 2 ** 20;
/** Caches that took less than this per connection are not worth a line. */
const CACHE_BYTES_MIN = 32;

/** Beside the runs, what is told of the last one. */
export interface Details {
  readonly args: readonly string[];
  readonly settings: readonly (readonly [name: string, value: string])[];
  readonly slab: readonly (readonly [name: string, bytes: number])[];
  /** Why the run ended early. */
  readonly stopped: string | undefined;
}

/** Columns: metric, heading, digits behind the point. */
const COLUMNS = [
  ["connections", "connections", 0],
  ["userBytesPerConnection", "node, B each", 0],
  ["kernelBytesPerConnection", "kernel, B each", 0],
  ["clientBytesPerConnection", "client, B each", 0],
  ["connectsPerSecond", "connects/s", 0],
  ["idleCpuMicrosPerSecond", "idle CPU, µs/s each", 2],
  ["idleCpuWithNodesMicrosPerSecond", "with the nodes' own", 2],
  ["publishedPerSecond", "danmaku/s", 0],
  ["deliveriesPerSecond", "deliveries/s", 0],
  ["deliveredRatio", "delivered", 4],
  ["latencyP50Ms", "P50, ms", 1],
  ["latencyP99Ms", "P99, ms", 1],
  ["latencyP999Ms", "P99.9, ms", 1],
  ["liveNodesCpuRatio", "nodes' CPU", 2],
  ["liveClientsCpuRatio", "clients' CPU", 2],
  ["liveMachineBusyRatio", "machine busy", 2],
] as const;

export function formatConnectionsPage(runs: readonly Run[], details: Details): string {
  const last = runs.at(-1);
  const { cpu, kernel } = describeMachine();
  return [
    `# ${runs.length === 0 ? "Connections" : `${number(metric(last, "connections"), 0)} connections on one machine`}`,
    "",
    `Machine: ${navigator.hardwareConcurrency} cores (${cpu}), ${Math.round(totalmem() / MIB)} MiB, ${kernel}, Bun ${Bun.version}.`,
    "",
    "```sh",
    `npm run bench -- ${details.args.join(" ")}`,
    "```",
    "",
    ...(details.stopped === undefined ? [] : [`**${details.stopped.split("\n", 1)[0]}**`, ""]),
    ...(last === undefined ? [] : [setting(last), "", ...steps(runs), "", ...memory(last, details), ""]),
    METHOD,
    "",
    "## Settings of the system",
    "",
    ...details.settings.map(([name, value]) => `- \`${name}\` = ${value}`),
    "",
  ].join("\n");
}

function setting({ params }: Run): string {
  return (
    `Nodes: ${params.nodes} (\`serve ${params.nodeFlags}\`), each with a client process of its own, all on this machine; ` +
    `${params.rooms} rooms, ${number(Number(params.danmakuPerSecond), 1)} danmaku/s in all at the last step, held for ` +
    `${params.holdSeconds} s; every step was idle for ${params.idleSeconds} s before.`
  );
}

function steps(runs: readonly Run[]): string[] {
  return [
    row(COLUMNS.map(([, heading]) => heading)),
    row(COLUMNS.map(() => "---:")),
    ...runs.map((run) => row(COLUMNS.map(([name, , digits]) => number(metric(run, name), digits)))),
  ];
}

function memory(run: Run, { slab }: Details): string[] {
  const connections = metric(run, "connections");
  const nodes = Number(run.params.nodes);
  const each = (name: string) => metric(run, name) * connections;
  const parts: [string, number][] = [
    ["connections, in the nodes", each("userBytesPerConnection")],
    ["connections, in the clients", each("clientBytesPerConnection")],
    ["connections, in the kernel (both ends)", each("kernelBytesPerConnection")],
    [`nodes, empty (${nodes})`, metric(run, "emptyNodeMiB") * MIB * nodes],
    [`clients, empty (${nodes})`, metric(run, "emptyClientMiB") * MIB * nodes],
    ["all of it, as the machine has less available", each("machineBytesPerConnection")],
  ];
  const caches = slab.filter(([, bytes]) => bytes / connections >= CACHE_BYTES_MIN);
  return [
    "## Where the memory is, at the last step",
    "",
    row(["", "MiB", "B per connection"]),
    row(["---", "---:", "---:"]),
    ...parts.map(([name, bytes]) => row([name, number(bytes / MIB, 0), number(bytes / connections, 0)])),
    "",
    `At the least, ${number(metric(run, "availableLeastMiB"), 0)} MiB were available.`,
    "",
    ...(caches.length === 0
      ? []
      : [
          "Growth of the kernel's caches, bytes per connection: " +
            `${caches.map(([name, bytes]) => `\`${name}\` ${number(bytes / connections, 0)}`).join(", ")}.`,
        ]),
  ];
}

const METHOD = `## What the figures are

- **Nodes** are independent: each has its own data folder, loopback address and rooms. They are filled one after another,
  so all but the last of a step are full.
- **Connections** are viewers, each with a uid of its own, and one publisher per room. All speak \`danmaku.tlv.v1\`.
- **node**: private anonymous memory of the node processes above that of as many empty ones (a node without connections
  runs beside the others and is measured at the same moment).
- **kernel**: growth of slab (without caches of files), page tables, kernel stacks and TCP buffers, less what processes
  without connections took. *Both ends* of each connection are in it: a server alone has about half.
- **client**: private anonymous memory of the client processes above that of empty ones.
- **idle CPU**: user and system time of the nodes, less that of as many empty nodes in the same stretch; then without
  taking that off. With what the kernel does for a send, delivery into the client's socket included, as both ends are here.
  A connection is pinged once in 30 to 35 s of silence.
- **latency**: from the intended send time to the read of the viewer, at one viewer in ten, over all nodes. A publisher in
  a process of its own, open loop, one room after the other. Readers pause for 2 ms between looks at their sockets, which
  is in the latency.
- **CPU** and **machine busy** are shares of all cores, during the live traffic. What the machine was busy with beyond
  nodes and clients is somebody else.
- The clients make system calls directly and hold a connection in 14 bytes of arrays, so that there is room for the
  nodes.`;

function metric(run: Run | undefined, name: string): number {
  return run?.metrics[name] ?? Number.NaN;
}

function number(value: number, digits: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
