/** The memory that the threads of a node share, and who is who in it. Made once per life of the node. */
import {
  createBroadcastRing,
  createCounters,
  createHeartbeats,
  createIngressRing,
  createSignals,
} from "@danmakud/core/memory";
import { createUserWindow } from "@danmakud/core/policy";
import { METRICS, RECORD_ENTRY_BYTES_MIN } from "@danmakud/core/rooms";

/** Ring sizes: a burst of some 30,000 danmaku from one gateway, and some 100,000 between sequencer and disk. */
const INGRESS_BYTES = 4 << 20;
const BROADCAST_BYTES = 16 << 20;

/**
 * The most offsets of one room that the sequencer can be ahead of the journal: the journal gates the ring, so it is what
 * the ring can hold.
 */
export const BURN = Math.ceil(BROADCAST_BYTES / RECORD_ENTRY_BYTES_MIN);

export const METRIC_NAMES = Object.keys(METRICS) as (keyof typeof METRICS)[];

export interface SharedMemory {
  /** Gateways. Threads are numbered: gateways from 0, then the sequencer, then the journal. */
  readonly gateways: number;
  readonly signals: SharedArrayBuffer;
  readonly heartbeats: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  /** One per gateway. */
  readonly ingress: readonly SharedArrayBuffer[];
  /** Consumers: the gateways by their number, then the journal. */
  readonly broadcast: SharedArrayBuffer;
  readonly durability: SharedArrayBuffer;
  /** What users have published, over all gateways and nodes; undefined where there is one of either. */
  readonly users: { readonly window: SharedArrayBuffer; readonly seed: number } | undefined;
}

/** @param isLogShared Other nodes tell what users have published there. */
export function createSharedMemory(gateways: number, isLogShared: boolean): SharedMemory {
  const threads = gateways + 2;
  return {
    gateways,
    signals: createSignals(threads),
    heartbeats: createHeartbeats(threads),
    counters: createCounters(METRIC_NAMES, threads),
    ingress: Array.from({ length: gateways }, () => createIngressRing(INGRESS_BYTES)),
    broadcast: createBroadcastRing(BROADCAST_BYTES, gateways + 1),
    durability: new SharedArrayBuffer(8),
    users: gateways === 1 && !isLogShared ? undefined : { window: createUserWindow(), seed: randomWord() },
  };
}

function randomWord(): number {
  return crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
}

export const sequencerThread = (memory: SharedMemory): number => memory.gateways;
export const journalThread = (memory: SharedMemory): number => memory.gateways + 1;
export const journalConsumer = (memory: SharedMemory): number => memory.gateways;

/** Name of a thread, as in logs, metrics and `/debug`. */
export function threadName(memory: SharedMemory, thread: number): string {
  if (thread < memory.gateways) return `gateway-${thread}`;
  return thread === sequencerThread(memory) ? "sequencer" : "journal";
}

/**
 * How far the disk is. Written by the journal alone, read by all; sequentially consistent, so who sees the position
 * also finds the rows.
 */
export class DurableState {
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(memory: SharedMemory) {
    this.#words = new Int32Array(memory.durability);
  }

  /** Position in the broadcast ring up to which everything is committed. */
  get position(): number {
    return Atomics.load(this.#words, 0);
  }

  set position(position: number) {
    Atomics.store(this.#words, 0, position);
  }

  get isFailing(): boolean {
    return Atomics.load(this.#words, 1) === 1;
  }

  set isFailing(failing: boolean) {
    Atomics.store(this.#words, 1, failing ? 1 : 0);
  }
}
