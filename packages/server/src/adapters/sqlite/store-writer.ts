import type { Durability, RoomLogWriter } from "@danmakud/core/ports";

/** What `openWriter` needs. */
export interface WriterOptions {
  readonly dir: string;
  readonly durability: Durability;
  /** Danmaku kept per room at least; up to a tenth more may be there. */
  readonly retain: number;
  /** Most offsets per room that this run's sequencer can be ahead of the journal. */
  readonly burn: number;
  /** Names this boot of the machine (`/proc/sys/kernel/random/boot_id`); "" where unknown, which is taken as another boot. */
  readonly bootId: string;
  /** The clock, Unix ms. */
  readonly now: () => number;
}

/** The write side of the embedded log. */
export interface StoreWriter extends RoomLogWriter {
  /** Unclean starts so far. */
  readonly generation: number;
  /** Lives so far: grows when a reboot may have lost what was not yet on the disk; every room then has a new epoch. */
  readonly life: number;
  /** Whether the run before this one stopped without `close`. */
  readonly unclean: boolean;
}

/** Stub. */
export function openWriter(options: WriterOptions): StoreWriter {
  throw new Error(`not yet: ${options.dir}`);
}
