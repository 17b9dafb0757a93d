/** All processes of a run: nodes, a client for each, one publisher, and an empty node to compare with. */
import { anonymousBytes, kernelMemory, slabCaches, sumOf } from "./accounts.ts";
import { type Counts, noCounts } from "./commands.ts";
import { CrowdHandle } from "./crowd-handle.ts";
import type { MemoryGuard } from "./memory-guard.ts";
import { NodeProcess } from "./node-process.ts";
import { CONTROL, type NodePlan, type Plan, viewersInRoom } from "./plan.ts";
import type { Reaper } from "./reaper.ts";

/** Nodes that start at once, and nodes that are filled at once: as many as keep a small machine busy. */
const AT_ONCE = 2;
/** Connections opened by one command. Between two of them is the time to stop. */
const OPEN_AT_ONCE = 1000;
/** After its start a process still frees what it needed for that. */
const SETTLE_MS = 4000;

/** A node with its client. */
interface Pair {
  readonly plan: NodePlan;
  readonly node: NodeProcess;
  readonly client: CrowdHandle;
  /** Connections to the node: its rooms' publishers, and viewers. */
  publishers: number;
  viewers: number;
}

export class Fleet {
  readonly #plan: Plan;
  readonly #port: number;
  readonly #reaper: Reaper;
  readonly #pairs: Pair[] = [];
  readonly #control: NodeProcess;
  readonly publisher: CrowdHandle;
  readonly #kernelStart = sumOf(kernelMemory());
  readonly #slabStart = slabCaches();
  /** What processes without connections take. */
  #kernelEmpty = 0;
  #clientsEmpty = 0;

  constructor(plan: Plan, rooms: number, port: number, reaper: Reaper) {
    this.#plan = plan;
    this.#port = port;
    this.#reaper = reaper;
    this.#control = new NodeProcess(CONTROL, port, reaper);
    this.publisher = new CrowdHandle(rooms, reaper);
  }

  async start(): Promise<void> {
    await this.#control.ready();
    await Bun.sleep(SETTLE_MS);
    this.#kernelEmpty = sumOf(kernelMemory()) - this.#kernelStart;
  }

  /** Starts nodes and clients up to a number of each, empty, and takes their measure. */
  async startNodes(count: number): Promise<void> {
    const plans = this.#plan.nodes.slice(this.#pairs.length, count);
    if (plans.length === 0) return;
    const kernelBefore = sumOf(kernelMemory());
    const started = await inTurns(plans, AT_ONCE, async (plan): Promise<Pair> => {
      const node = new NodeProcess(plan, this.#port, this.#reaper);
      await node.ready();
      return {
        plan,
        node,
        client: new CrowdHandle(plan.connections, this.#reaper),
        publishers: 0,
        viewers: 0,
      };
    });
    await Bun.sleep(SETTLE_MS);
    this.#pairs.push(...started);
    this.#kernelEmpty += sumOf(kernelMemory()) - kernelBefore;
    this.#clientsEmpty += anonymousBytes(started.map(({ client }) => client.pid));
  }

  /**
   * Fills the nodes up to so many connections each, publishers first. Stops where memory gets low. Returns how many
   * connections were opened and how many seconds that took.
   */
  async fill(perNode: readonly number[], guard: MemoryGuard): Promise<{ opened: number; seconds: number }> {
    const before = this.connections;
    const start = performance.now();
    // Publishers sit in the order of their rooms, so one node after another.
    for (const pair of this.#pairs) if (pair.publishers === 0) await this.#openPublishers(pair);
    const work = this.#pairs.map((pair, i) => ({ pair, goal: (perNode[i] ?? 0) - pair.publishers }));
    await inTurns(work, AT_ONCE, async ({ pair, goal }) => {
      while (pair.viewers < goal && !guard.isLow) {
        const count = Math.min(OPEN_AT_ONCE, goal - pair.viewers);
        await pair.client.open(this.#block(pair, "viewer", pair.viewers, count));
        pair.viewers += count;
      }
    });
    return { opened: this.connections - before, seconds: (performance.now() - start) / 1000 };
  }

  get connections(): number {
    return this.#pairs.reduce((sum, { publishers, viewers }) => sum + publishers + viewers, 0);
  }

  get rooms(): number {
    return this.#pairs.reduce((sum, { publishers }) => sum + publishers, 0);
  }

  get nodes(): number {
    return this.#pairs.length;
  }

  get nodePids(): number[] {
    return this.#pairs.map(({ node }) => node.pid);
  }

  get controlPid(): number {
    return this.#control.pid;
  }

  /** Clients and publisher. */
  get clientPids(): number[] {
    return [...this.#pairs.map(({ client }) => client.pid), this.publisher.pid];
  }

  /**
   * Memory by whose it is, bytes: of empty processes, and on top of that. An empty node is the control node of this very
   * moment: like the others, it has freed what it needed for its start.
   */
  memory() {
    const { nodes: count } = this;
    const emptyNode = anonymousBytes([this.controlPid]);
    const emptyClient = this.#clientsEmpty / count;
    return {
      emptyNode,
      emptyClient,
      emptyKernel: this.#kernelEmpty,
      nodes: anonymousBytes(this.nodePids) - emptyNode * count,
      clients: anonymousBytes(this.#pairs.map(({ client }) => client.pid)) - emptyClient * count,
      kernel: sumOf(kernelMemory()) - this.#kernelStart - this.#kernelEmpty,
    };
  }

  /** Growth of the kernel's caches since the start, bytes by name, the largest first. */
  slabGrowth(): [name: string, bytes: number][] {
    const grown = [...slabCaches()].map(([name, bytes]): [string, number] => [
      name,
      bytes - (this.#slabStart.get(name) ?? 0),
    ]);
    return grown.sort((a, b) => b[1] - a[1]);
  }

  /** What the viewers saw since `reset`, over all clients. */
  async counts(): Promise<Counts> {
    const sum = noCounts();
    for (const counts of await Promise.all(this.#pairs.map(({ client }) => client.count()))) {
      for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += counts[name];
    }
    return sum;
  }

  async latencies(): Promise<string[]> {
    return await Promise.all(this.#pairs.map(({ client }) => client.latency()));
  }

  reset(): void {
    for (const { client } of this.#pairs) client.reset();
    this.publisher.reset();
  }

  /** Viewers by room, in the order of the publisher's connections. */
  viewersByRoom(): number[] {
    return this.#pairs.flatMap(({ plan, viewers }) =>
      Array.from({ length: plan.rooms }, (_, room) => viewersInRoom(viewers, plan.rooms, room)),
    );
  }

  /** Throws with its log where a node has ended. */
  check(): void {
    for (const { node } of this.#pairs) if (node.isOver) throw node.failure("has ended");
  }

  /** What nodes have warned of since their start. */
  warnings(): string[] {
    return this.#pairs.flatMap(({ node }) =>
      node.warnings().map((line) => `node ${node.plan.number}: ${line}`),
    );
  }

  async #openPublishers(pair: Pair): Promise<void> {
    await this.publisher.open(this.#block(pair, "service", 0, pair.plan.rooms));
    pair.publishers = pair.plan.rooms;
  }

  #block({ plan }: Pair, role: "viewer" | "service", from: number, count: number) {
    const { address, firstRoom, rooms } = plan;
    return { address, port: this.#port, firstRoom, rooms, role, from, count };
  }
}

/** Does the work on all items, a few at a time; results in their order. */
async function inTurns<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at] as T);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
