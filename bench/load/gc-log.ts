/**
 * Collections of a runtime's heaps, from what JavaScriptCore writes about them (`BUN_JSC_logGC=1`): a line at the start of
 * each (`[GC<heap>: START M 8845kb => EdenCollection, …`) and, on the same line or another of that heap where two threads
 * collect at once, its end (`… => 146kb, p=0.533721ms …`).
 */
import { readFileSync } from "node:fs";

export const GC_LOG_ON = { BUN_JSC_logGC: "1" } as const;

const HEAP = /\[GC<(0x[0-9a-f]+)>: /;
const START = /START M (\d+)kb => /;
const END = /=> (\d+)kb, p=([\d.]+)ms [^\n]*END\]/;
const KIB = 1024;

export interface HeapHistory {
  collections: number;
  /** Between collections: what a heap had at a start beyond what the collection before had left. */
  allocatedBytes: number;
  /** What the newest collection left. */
  keptBytes: number;
  pauseMs: number;
  pauseMsMax: number;
}

/** Heaps in the order in which they were made: the main thread's first, then those of workers as they start. */
export function readGcLog(file: string): readonly HeapHistory[] {
  const heaps = new Map<string, HeapHistory & { isOpen: boolean }>();
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const id = HEAP.exec(line)?.[1];
    const heap = id === undefined ? openOf(heaps) : heapOf(heaps, id);
    if (heap === undefined) continue;
    const start = START.exec(line);
    if (start !== null) {
      if (heap.collections > 0 && !heap.isOpen) {
        heap.allocatedBytes += Math.max(0, Number(start[1]) * KIB - heap.keptBytes);
      }
      heap.isOpen = true;
    }
    const end = END.exec(line);
    if (end === null) continue;
    heap.isOpen = false;
    heap.collections++;
    heap.keptBytes = Number(end[1]) * KIB;
    heap.pauseMs += Number(end[2]);
    heap.pauseMsMax = Math.max(heap.pauseMsMax, Number(end[2]));
  }
  return [...heaps.values()];
}

type Heaps = Map<string, HeapHistory & { isOpen: boolean }>;

function heapOf(heaps: Heaps, id: string): HeapHistory & { isOpen: boolean } {
  const known = heaps.get(id);
  if (known !== undefined) return known;
  const heap = {
    collections: 0,
    allocatedBytes: 0,
    keptBytes: 0,
    pauseMs: 0,
    pauseMsMax: 0,
    isOpen: false,
  };
  heaps.set(id, heap);
  return heap;
}

/** A line without a heap is the rest of one that another thread broke into. */
function openOf(heaps: Heaps): (HeapHistory & { isOpen: boolean }) | undefined {
  return [...heaps.values()].find((heap) => heap.isOpen);
}
