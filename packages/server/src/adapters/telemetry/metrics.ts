/** Prometheus metrics, read from the counters that the threads share. */
import { Heartbeats, ringState, SharedCounters } from "@danmakud/core/memory";
import { METRIC_INFO } from "@danmakud/core/rooms";
import { Counter, Gauge, Registry } from "prom-client";
import { METRIC_NAMES, type SharedMemory, threadName } from "../../threads/shared-memory.ts";

type Labels = { readonly thread: string; readonly reason?: string };

/** Metrics of a node. `memory` gives the memory of its present life: a restart of the node makes a new one. */
export function createMetrics(memory: () => SharedMemory): Registry {
  const registry = new Registry();
  const registers = [registry];
  const byName = Map.groupBy(METRIC_NAMES, (metric) => METRIC_INFO[metric].name);
  for (const [name, metrics] of byName) {
    const { kind, help } = METRIC_INFO[metrics[0] as (typeof METRIC_NAMES)[number]];
    const labelNames = ["thread", "reason"] as const;
    const fill = (set: (labels: Labels, value: number) => void) => {
      const shared = memory();
      const counters = new SharedCounters(shared.counters, METRIC_NAMES);
      for (const metric of metrics) {
        const { reason } = METRIC_INFO[metric];
        for (let row = 0; row < counters.threads; row++) {
          const thread = threadName(shared, row);
          set(reason === undefined ? { thread } : { thread, reason }, counters.get(row, metric));
        }
      }
    };
    if (kind === "gauge") {
      const gauge = new Gauge({
        name,
        help,
        labelNames,
        registers,
        collect: () => fill((labels, value) => gauge.set(labels, value)),
      });
    } else {
      const counter = new Counter({
        name,
        help,
        labelNames,
        registers,
        collect: () => {
          counter.reset();
          fill((labels, value) => counter.inc(labels, value));
        },
      });
    }
  }
  const fill = new Gauge({
    name: "danmakud_ring_fill_ratio",
    help: "How full a ring is by its slowest consumer, 0 to 1.",
    labelNames: ["ring"] as const,
    registers,
    collect: () => {
      const shared = memory();
      fill.set({ ring: "broadcast" }, ringState(shared.broadcast).fill);
      shared.ingress.forEach((ring, gateway) => {
        fill.set({ ring: `ingress-${gateway}` }, ringState(ring).fill);
      });
    },
  });
  const up = new Gauge({
    name: "danmakud_thread_running",
    help: "1 while a thread runs.",
    labelNames: ["thread"] as const,
    registers,
    collect: () => {
      const shared = memory();
      const heartbeats = new Heartbeats(shared.heartbeats);
      for (let thread = 0; thread < heartbeats.threads; thread++) {
        const state = heartbeats.state(thread);
        up.set(
          { thread: threadName(shared, thread) },
          state === "running" || state === "inSystemCall" ? 1 : 0,
        );
      }
    },
  });
  const resident: Gauge = new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory of the process.",
    registers,
    collect: () => resident.set(process.memoryUsage.rss()),
  });
  const cpu: Counter = new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time of the process, all threads.",
    registers,
    collect: () => {
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / 1e6);
    },
  });
  return registry;
}
