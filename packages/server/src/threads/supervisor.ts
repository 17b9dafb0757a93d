/**
 * Starts the threads of a node, watches their heartbeats, and makes the service whole again: a dead gateway is replaced
 * (its viewers reconnect), a dead sequencer or journal means a new life of the whole node, as after a crash.
 */
import { detachConsumer, HeartbeatMonitor, Heartbeats } from "@danmakud/core/memory";
import type { Page } from "@danmakud/web";
import type { ServeOptions } from "../config/index.ts";
import { FairDeadline } from "./fair-deadline.ts";
import type { Fault, FromThread, ToThread } from "./messages.ts";
import { ProcessorWait } from "./processor-wait.ts";
import {
  createSharedMemory,
  journalThread,
  type SharedMemory,
  sequencerThread,
  threadName,
} from "./shared-memory.ts";

/** How often heartbeats are looked at. */
const WATCH_MS = 100;
/** After this many lives within `RESTART_WINDOW_MS` something is wrong that restarting does not mend. */
const RESTARTS_MAX = 30;
const RESTART_WINDOW_MS = 60_000;
/**
 * A thread that was terminated gets so long to be really gone: until then it may still write to what its successor would
 * share with it. JavaScript ends within milliseconds; a call into the system ends when it ends, and one that blocks for
 * longer than this on a working machine will not end at all. Time in which it got no processor does not count.
 */
const GONE_MS_MAX = 5000;
/** Parts of a stop: gateways, then sequencer, then journal; together below the 30 s of the contract. */
const STOP_MS_MAX = { gateways: 16_000, sequencer: 4000, journal: 8000 } as const;

export interface SupervisorOptions {
  readonly options: ServeOptions;
  readonly pages: ReadonlyMap<string, Page>;
  readonly bootId: string;
  readonly log: (level: "info" | "warn" | "error", message: string, fields?: Record<string, unknown>) => void;
  /** The node cannot go on; the process should end with this message. */
  readonly onFatal: (message: string) => void;
}

interface Thread {
  readonly name: string;
  readonly worker: Worker;
  readonly incarnation: number;
  readonly ready: Promise<number | undefined>;
  readonly stopped: Promise<void>;
  /** Nothing of the thread runs any more. */
  readonly gone: PromiseWithResolvers<void>;
  settle: { ready(port: number | undefined): void; fail(error: Error): void; stopped(): void };
}

export class Supervisor {
  readonly #given: SupervisorOptions;
  #memory: SharedMemory;
  readonly #processorWait = new ProcessorWait();
  #monitor: HeartbeatMonitor;
  #threads: (Thread | undefined)[] = [];
  #incarnation = 0;
  #port: number;
  #state: "starting" | "running" | "stopping" | "stopped" = "starting";
  #isServing = false;
  #restarts: number[] = [];
  /** Terminated, but not gone yet. */
  readonly #leaving = new Set<Thread>();
  #watch: ReturnType<typeof setInterval> | undefined;

  constructor(given: SupervisorOptions) {
    this.#given = given;
    this.#port = given.options.port;
    this.#memory = createSharedMemory(given.options.threads, given.options.redis !== undefined);
    this.#monitor = this.#createMonitor();
  }

  get memory(): SharedMemory {
    return this.#memory;
  }

  get port(): number {
    return this.#port;
  }

  get isRunning(): boolean {
    return this.#state === "running" && this.#isServing;
  }

  /** Starts everything; rejects where a thread cannot start. */
  async start(): Promise<void> {
    this.#watch = setInterval(() => this.#look(), WATCH_MS);
    try {
      await this.#startThreads();
    } catch (error) {
      // A journal that has begun ends in good order: a node that could not start has not crashed.
      await this.#stopThreads([sequencerThread(this.#memory)], STOP_MS_MAX.sequencer);
      await this.#stopThreads([journalThread(this.#memory)], STOP_MS_MAX.journal);
      this.#end();
      throw error;
    }
    this.#state = "running";
  }

  /** Lets the gateways say that the node is ready; due once everything beside the threads is up too. */
  serve(): void {
    this.#isServing = true;
    for (let gateway = 0; gateway < this.#memory.gateways; gateway++)
      this.#tell(gateway, { type: "serving" });
  }

  /** Drains and stops: gateways first, then what they feed. */
  async stop(): Promise<void> {
    this.#state = "stopping";
    const { memory } = this;
    const gateways = Array.from({ length: memory.gateways }, (_, thread) => thread);
    await this.#stopThreads(gateways, STOP_MS_MAX.gateways);
    await this.#stopThreads([sequencerThread(memory)], STOP_MS_MAX.sequencer);
    await this.#stopThreads([journalThread(memory)], STOP_MS_MAX.journal);
    this.#end();
  }

  /** Plants a fault, for tests. Returns whether there is such a thread. */
  plant(name: string, fault: Fault, ms: number): boolean {
    const thread = this.#threads.findIndex((_, number) => threadName(this.#memory, number) === name);
    if (thread < 0) return false;
    this.#tell(thread, { type: "fault", fault, ms });
    return true;
  }

  /** What `/debug/threads` shows. */
  threads(): {
    readonly name: string;
    readonly state: string;
    readonly incarnation: number;
    readonly silentMs: number;
  }[] {
    const heartbeats = new Heartbeats(this.#memory.heartbeats);
    return this.#threads.map((entry, thread) => ({
      name: threadName(this.#memory, thread),
      state: heartbeats.state(thread),
      incarnation: entry?.incarnation ?? -1,
      silentMs: Math.round(this.#monitor.silentMs(thread)),
    }));
  }

  #end(): void {
    this.#state = "stopped";
    clearInterval(this.#watch);
    for (const thread of this.#threads) thread?.worker.terminate();
  }

  #createMonitor(): HeartbeatMonitor {
    const memory = this.#memory;
    return new HeartbeatMonitor(new Heartbeats(memory.heartbeats), {
      waitedMs: (thread) => this.#processorWait.waitedMs(threadName(memory, thread)),
    });
  }

  /** Journal first, as it makes the log; then the sequencer (with a shared log both are one thread); then gateways, the first of which finds the port. */
  async #startThreads(): Promise<void> {
    const { memory } = this;
    if (this.#given.options.redis === undefined) {
      await this.#startThread(journalThread(memory), "journal");
      await this.#startThread(sequencerThread(memory), "sequencer");
    } else await this.#startThread(sequencerThread(memory), "redis");
    this.#port = (await this.#startThread(0, "gateway")) ?? this.#port;
    const others = Array.from({ length: memory.gateways - 1 }, (_, i) => this.#startThread(i + 1, "gateway"));
    await Promise.all(others);
  }

  #startThread(
    thread: number,
    kind: "journal" | "sequencer" | "redis" | "gateway",
  ): Promise<number | undefined> {
    const memory = this.#memory;
    new Heartbeats(memory.heartbeats).starting(thread);
    this.#monitor.reset(thread);
    this.#processorWait.forget(threadName(memory, thread));
    const worker = new Worker(new URL(`./${kind}.ts`, import.meta.url).href, {
      name: threadName(memory, thread),
    });
    const incarnation = this.#incarnation++ & 0xff;
    const entry = createThread(threadName(memory, thread), worker, incarnation);
    this.#threads[thread] = entry;
    worker.addEventListener("message", (event: MessageEvent<FromThread>) =>
      this.#heard(thread, entry, event.data),
    );
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#lost(
        thread,
        entry,
        `crashed: ${event.message.split("\n").find((line) => line.startsWith("error")) ?? event.message}`,
      );
    });
    worker.addEventListener("close", () => {
      this.#leaving.delete(entry);
      entry.gone.resolve();
      this.#lost(thread, entry, "ended");
    });
    const { options, pages, bootId } = this.#given;
    this.#tell(thread, {
      type: "start",
      memory,
      thread,
      options,
      incarnation,
      port: this.#port,
      pages,
      bootId,
    });
    return entry.ready;
  }

  #heard(thread: number, entry: Thread, message: FromThread): void {
    if (this.#threads[thread] !== entry) return;
    const { log } = this.#given;
    const name = threadName(this.#memory, thread);
    switch (message.type) {
      case "ready":
        if (message.note !== undefined) log("warn", message.note, { thread: name });
        if (this.#isServing) this.#tell(thread, { type: "serving" });
        entry.settle.ready(message.port);
        return;
      case "stopped":
        entry.settle.stopped();
        return;
      case "failed":
        entry.settle.fail(new Error(message.message));
        entry.settle.stopped();
        return;
      case "log":
        log(message.level, message.message, {
          thread: name,
          ...(message.detail === undefined ? {} : { detail: message.detail }),
        });
        return;
      case "list":
        this.#tell(sequencerThread(this.#memory), { ...message, gateway: thread });
        return;
      case "rooms":
        this.#tell(message.gateway, { type: "rooms", id: message.id, rooms: message.rooms });
        return;
    }
  }

  #look(): void {
    if (this.#state === "stopping" || this.#state === "stopped") return;
    for (const thread of this.#monitor.watch(performance.now())) {
      const entry = this.#threads[thread];
      if (entry !== undefined) this.#lost(thread, entry, "hangs");
    }
  }

  /** A thread is dead or as good as dead. */
  #lost(thread: number, entry: Thread, how: string): void {
    if (this.#threads[thread] !== entry || this.#state === "stopped") return;
    const memory = this.#memory;
    const name = threadName(memory, thread);
    entry.settle.stopped();
    if (this.#state === "stopping") return;
    this.#threads[thread] = undefined;
    this.#terminate(entry);
    if (this.#state === "starting") {
      entry.settle.fail(new Error(`${name} ${how} while starting`));
      return;
    }
    this.#given.log("error", `${name} ${how}`, { thread: name });
    const now = performance.now();
    this.#restarts = [...this.#restarts.filter((at) => now - at < RESTART_WINDOW_MS), now];
    if (this.#restarts.length > RESTARTS_MAX) {
      this.#given.onFatal(`${name} ${how}, and restarting has not helped`);
      return;
    }
    const restarted = thread < memory.gateways ? this.#restartGateway(thread, entry) : this.#restartNode();
    restarted.then(
      (isWhole) => {
        if (!isWhole) return;
        const tookMs = Math.round(performance.now() - now);
        this.#given.log("info", `${name} is whole again`, { thread: name, tookMs });
      },
      (error: Error) => this.#given.onFatal(error.message),
    );
  }

  /** Resolves to false where something else made the restart unnecessary: a stop, or a new life of the node. */
  async #restartGateway(thread: number, former: Thread): Promise<boolean> {
    const memory = this.#memory;
    // Until it is gone it keeps its place in the rings, at the price that the others wait where the ring is full.
    await this.#gone([former]);
    if (this.#state !== "running" || this.#memory !== memory) return false;
    // It must not hold up the broadcast ring while it is away.
    detachConsumer(memory.broadcast, thread);
    this.#tell(sequencerThread(memory), { type: "gatewayGone", gateway: thread });
    await this.#startThread(thread, "gateway");
    return true;
  }

  /** Nothing is left of the old life but the log: new memory, new threads. */
  async #restartNode(): Promise<boolean> {
    this.#state = "starting";
    for (const thread of this.#threads) if (thread !== undefined) this.#terminate(thread);
    this.#threads = [];
    // A journal that still writes, or a gateway that still listens, must not be there beside its successor.
    await this.#gone([...this.#leaving]);
    if (this.#state !== "starting") return false;
    this.#memory = createSharedMemory(this.#given.options.threads, this.#given.options.redis !== undefined);
    this.#monitor = this.#createMonitor();
    await this.#startThreads();
    if (this.#state === "starting") this.#state = "running";
    return true;
  }

  #terminate(thread: Thread): void {
    this.#leaving.add(thread);
    thread.worker.terminate();
  }

  /** Rejects where one of them does not go. */
  async #gone(threads: readonly Thread[]): Promise<void> {
    const waitedMs = () => threads.reduce((sum, { name }) => sum + this.#processorWait.waitedMs(name), 0);
    const deadline = new FairDeadline(GONE_MS_MAX, performance.now(), waitedMs);
    const late = Promise.withResolvers<never>();
    const watch = setInterval(() => {
      if (!deadline.hasPassed(performance.now())) return;
      const message = "a thread hangs inside the runtime and cannot be ended, so its place cannot be filled";
      late.reject(new Error(message));
    }, WATCH_MS);
    try {
      await Promise.race([Promise.all(threads.map(({ gone }) => gone.promise)), late.promise]);
    } finally {
      clearInterval(watch);
    }
  }

  async #stopThreads(threads: readonly number[], msMax: number): Promise<void> {
    const stopping = threads.map((thread) => {
      this.#tell(thread, { type: "stop" });
      return this.#threads[thread]?.stopped;
    });
    let late: ReturnType<typeof setTimeout> | undefined;
    const deadline = new Promise<"late">((resolve) => {
      late = setTimeout(() => resolve("late"), msMax);
    });
    const outcome = await Promise.race([Promise.all(stopping), deadline]);
    clearTimeout(late);
    if (outcome === "late") this.#given.log("warn", "a thread did not stop in time", { threads });
  }

  #tell(thread: number, message: ToThread): void {
    this.#threads[thread]?.worker.postMessage(message);
  }
}

function createThread(name: string, worker: Worker, incarnation: number): Thread {
  const ready = Promise.withResolvers<number | undefined>();
  const stopped = Promise.withResolvers<void>();
  // A failure after `ready` is nobody's to await.
  ready.promise.catch(() => {});
  const settle = {
    ready: ready.resolve,
    fail: (error: Error) => ready.reject(error),
    stopped: stopped.resolve,
  };
  const gone = Promise.withResolvers<void>();
  return { name, worker, incarnation, ready: ready.promise, stopped: stopped.promise, gone, settle };
}
