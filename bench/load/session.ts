/** One measurement: a fresh server, its viewers, one publisher, a rate. */
import type { Target } from "../peers/target.ts";
import { sharedMicros } from "./clock.ts";
import { busyMicros, cpuMicros, machineMicros, processTree } from "./cpu.ts";
import { LatencyHistogram } from "./histogram.ts";
import { LoadProcess } from "./load-client.ts";
import type { PublisherReport, ViewersReport } from "./messages.ts";
import { freePort } from "./ports.ts";

export interface Load {
  readonly viewers: number;
  /** Payloads per second. */
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly tickMicros: number;
  /** See `PoolOptions`. */
  readonly probes: number;
  readonly pauseMicros: number;
  /** Processes that the viewers are spread over. */
  readonly processes: number;
  readonly gatherMs?: number;
  readonly latencyTargetMs?: number;
  /** Viewers that read nothing until all is published. Default: none. */
  readonly stalled?: number;
}

/** All counts are deliveries (one payload at one viewer) unless they say otherwise. */
export interface Measured {
  /** Length of the schedule. */
  readonly seconds: number;
  /** Payloads whose time came. */
  readonly offeredPayloads: number;
  readonly offered: number;
  readonly delivered: number;
  /** Announced by the system to the viewer. */
  readonly skipped: number;
  /** Refused by the system when it was published. */
  readonly refused: number;
  /** Not taken from the publisher's connection by the end. */
  readonly unsent: number;
  /** The viewer's connection had ended. */
  readonly closed: number;
  /** Neither came before the end of the drain nor was said to be left out. */
  readonly lost: number;
  readonly twice: number;
  readonly misordered: number;
  readonly frames: number;
  readonly bytes: number;
  /** Viewers whose connection has ended, and those of them that the server said are too slow. */
  readonly closedViewers: number;
  readonly closedSlowViewers: number;
  /** WebSocket pings that viewers got. */
  readonly pings: number;
  /** From the first intended send to the last delivery. */
  readonly activeSeconds: number;
  /** From before the first publish to after the last delivery; CPU times are of this stretch. */
  readonly wallSeconds: number;
  readonly serverCpuMicros: number;
  readonly loadCpuMicros: number;
  /** Of the machine, by neither server nor generator. */
  readonly foreignCpuMicros: number;
  /** Share of the stretch in which the busiest load process ran or waited for a core. */
  readonly loadBusyRatio: number;
  /** Worst delay of the publisher's own, ms. */
  readonly publisherLateMs: number;
  readonly latency: LatencyHistogram;
}

const CONNECT_LIMIT_MS = 30_000;
/** Nothing came for so long: nothing will. Longer than any system here gathers. */
const QUIET_MS = 400;
/** A saturated system gets so long to deliver what it still holds. */
const DRAIN_LIMIT_MS = 5_000;
const SETTLE_LIMIT_MS = 1_000;
/** The publisher's schedule begins this much after the order at the latest. */
const ORDER_MS = 10;

/** Runs a load against a system from start to stop. Rejects where the system or the generator fails. */
export async function measure(target: Target, load: Load): Promise<Measured> {
  const port = await freePort();
  const { gatherMs, latencyTargetMs } = load;
  const server = await target.start({
    port,
    ...(gatherMs === undefined ? {} : { gatherMs }),
    ...(latencyTargetMs === undefined ? {} : { latencyTargetMs }),
  });
  try {
    const room = await RoomLoad.open(target, load, { pid: server.pid, port });
    try {
      return await room.run();
    } finally {
      await room.close();
    }
  } finally {
    await server.stop();
  }
}

/** Processes full of viewers, all of them joined. `started` gets each as soon as it runs, so that it can be stopped. */
async function startViewers(
  target: Target,
  load: Load,
  port: number,
  started: LoadProcess[],
): Promise<LoadProcess[]> {
  const viewers: LoadProcess[] = [];
  for (let i = 0; i < load.processes; i++) {
    const share = (total: number): number =>
      Math.floor((total * (i + 1)) / load.processes) - Math.floor((total * i) / load.processes);
    const process = new LoadProcess({
      role: "viewers",
      system: target.name,
      port,
      first: Math.floor((load.viewers * i) / load.processes),
      count: share(load.viewers),
      probes: Math.ceil(load.probes / load.processes),
      pauseMicros: load.pauseMicros,
      stalled: share(load.stalled ?? 0),
      connectLimitMs: CONNECT_LIMIT_MS,
    });
    started.push(process);
    viewers.push(process);
    await process.next("ready");
  }
  return viewers;
}

/** Viewers and a publisher of one room of a server that runs. */
export class RoomLoad {
  readonly #load: Load;
  readonly #serverPid: number;
  readonly #viewers: readonly LoadProcess[];
  readonly #publisher: LoadProcess;
  #published = 0;
  #refused = 0;

  private constructor(
    load: Load,
    serverPid: number,
    viewers: readonly LoadProcess[],
    publisher: LoadProcess,
  ) {
    this.#load = load;
    this.#serverPid = serverPid;
    this.#viewers = viewers;
    this.#publisher = publisher;
  }

  /** Resolves when all viewers and the publisher are joined. */
  static async open(
    target: Target,
    load: Load,
    server: { readonly pid: number; readonly port: number },
  ): Promise<RoomLoad> {
    const processes: LoadProcess[] = [];
    try {
      const viewers = await startViewers(target, load, server.port, processes);
      const publisher = new LoadProcess({ role: "publisher", system: target.name, port: server.port });
      processes.push(publisher);
      await publisher.next("ready");
      return new RoomLoad(load, server.pid, viewers, publisher);
    } catch (error) {
      await Promise.all(processes.map((process) => process.stop()));
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#viewers, this.#publisher].map((process) => process.stop()));
  }

  /** A warm-up, then the load. */
  async run(): Promise<Measured> {
    const { warmUpSeconds, seconds } = this.#load;
    if (warmUpSeconds > 0) await this.stretch(warmUpSeconds, false);
    return await this.stretch(seconds);
  }

  /** Processes of the generator. */
  get pids(): readonly number[] {
    return [...this.#viewers, this.#publisher].map((process) => process.pid);
  }

  /**
   * Publishes for so long, waits until all of it came, and says what it took. `stalls`: those viewers that the load says
   * read nothing until all is published.
   */
  stretch(seconds: number, stalls = true): Promise<Measured> {
    const { ratePerSecond, tickMicros } = this.#load;
    return this.#account(seconds, stalls, async () => {
      this.#publisher.tell({ order: "publish", ratePerSecond, seconds, tickMicros, first: this.#published });
      const { report } = await this.#publisher.next("published");
      this.#published += report.sent;
      return report;
    });
  }

  /** The same without publishing anything. */
  rest(seconds: number): Promise<Measured> {
    return this.#account(seconds, false, async () => {
      await Bun.sleep(seconds * 1000);
      return { offered: 0, sent: 0, lateMicrosMax: 0 };
    });
  }

  async #account(
    seconds: number,
    stalls: boolean,
    publish: () => Promise<PublisherReport>,
  ): Promise<Measured> {
    const { viewers, stalled = 0 } = this.#load;
    for (const process of this.#viewers) process.tell({ order: "reset", stalls });
    for (const process of this.#viewers) await process.next("done");
    const server = processTree(this.#serverPid);
    const loadPids = this.pids;
    const serverCpu = cpuMicros(server);
    const loadCpu = cpuMicros(loadPids);
    const machineCpu = machineMicros();
    const busy = loadPids.map(busyMicros);
    const began = sharedMicros();

    const published = await publish();
    if (stalls && stalled > 0) await this.#readStalled();
    const drain = { records: published.sent, quietMs: QUIET_MS, limitMs: DRAIN_LIMIT_MS } as const;
    for (const process of this.#viewers) process.tell({ order: "drain", ...drain });
    const reports: ViewersReport[] = [];
    for (const process of this.#viewers) reports.push((await process.next("viewers")).report);

    const ended = sharedMicros();
    const serverCpuMicros = cpuMicros(server) - serverCpu;
    const loadCpuMicros = cpuMicros(loadPids) - loadCpu;
    const foreignCpuMicros = Math.max(0, machineMicros() - machineCpu - serverCpuMicros - loadCpuMicros);
    const loadBusyRatio = Math.max(
      ...loadPids.map((pid, i) => (busyMicros(pid) - (busy[i] ?? 0)) / (ended - began)),
    );
    const refused = await this.#refusals();

    const latency = new LatencyHistogram();
    for (const report of reports) latency.addText(report.latency);
    const sum = (of: (report: ViewersReport) => number): number =>
      reports.reduce((total, report) => total + of(report), 0);
    const last = Math.max(...reports.map((report) => report.counts.lastMicros));
    const neverCame = sum((report) => report.missing.lost);
    return {
      seconds,
      offeredPayloads: published.offered,
      offered: published.offered * viewers,
      delivered: sum((report) => report.counts.records) - sum((report) => report.missing.twice),
      skipped: sum((report) => report.counts.skipped),
      refused: refused * viewers,
      unsent: (published.offered - published.sent) * viewers,
      closed: sum((report) => report.missing.closed),
      // What was refused was awaited by every viewer too.
      lost: neverCame - refused * viewers,
      twice: sum((report) => report.missing.twice),
      misordered: sum((report) => report.counts.misordered),
      frames: sum((report) => report.counts.frames),
      bytes: sum((report) => report.counts.bytes),
      closedViewers: sum((report) => report.counts.closed),
      closedSlowViewers: sum((report) => report.counts.closedSlow),
      pings: sum((report) => report.counts.pings),
      activeSeconds: Math.max(seconds, (last - began) / 1e6 - ORDER_MS / 1000),
      wallSeconds: (ended - began) / 1e6,
      serverCpuMicros,
      loadCpuMicros,
      foreignCpuMicros,
      loadBusyRatio,
      publisherLateMs: published.lateMicrosMax / 1000,
      latency,
    };
  }

  async #readStalled(): Promise<void> {
    for (const process of this.#viewers) process.tell({ order: "readStalled" });
    for (const process of this.#viewers) await process.next("done");
  }

  async #refusals(): Promise<number> {
    this.#publisher.tell({ order: "settle", limitMs: SETTLE_LIMIT_MS });
    const { report } = await this.#publisher.next("settled");
    const refused = report.refused - this.#refused;
    this.#refused = report.refused;
    return refused;
  }
}
