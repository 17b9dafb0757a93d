import type { DanmakuRecord } from "@danmakud/wire";

const CONFLICTS_MAX = 20;

/**
 * What any viewer of one room has ever seen under each offset. Several viewers share one ledger, over crashes of the
 * node too: an offset that names two danmaku shows up in `conflicts`, whoever saw them.
 */
export class RoomLedger {
  readonly conflicts: string[] = [];
  readonly #epochs = new Map<string, Map<number, DanmakuRecord>>();

  observe(epoch: string, record: DanmakuRecord): void {
    let offsets = this.#epochs.get(epoch);
    if (!offsets) {
      offsets = new Map();
      this.#epochs.set(epoch, offsets);
    }
    const known = offsets.get(record.offset);
    if (known === undefined) offsets.set(record.offset, record);
    if (known === undefined || known === record) return;
    const [before, now] = [fingerprint(known), fingerprint(record)];
    if (before !== now && this.conflicts.length < CONFLICTS_MAX) {
      this.conflicts.push(`offset ${record.offset} of epoch ${epoch} names ${before} and ${now}`);
    }
  }

  /** Distinct danmaku seen, all epochs. */
  get size(): number {
    let size = 0;
    for (const offsets of this.#epochs.values()) size += offsets.size;
    return size;
  }

  get epochs(): readonly string[] {
    return [...this.#epochs.keys()];
  }
}

/** Everything of a danmaku but its place, as one text; the same for JSON and TLV. */
export function fingerprint(record: DanmakuRecord): string {
  const { ts, uid, mode, color, size, content } = record;
  return `${ts}|${uid}|${mode}|${color}|${size}|${record.class}|${record.name ?? ""}|${content}`;
}
