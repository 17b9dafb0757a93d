import type { GapRecord, HelloRecord } from "@danmakud/wire";

/** Where a connection asked to start. */
export type ViewerStart =
  | { readonly kind: "head" }
  | { readonly kind: "last"; readonly records: number }
  | { readonly kind: "resume"; readonly epoch: string; readonly after: number };

/** More of them say nothing new, and a broken run of many viewers must not fill the memory. */
const FAULTS_MAX = 20;

/**
 * Holds one viewer, over all its connections, to the promises of the protocol: within an epoch every offset after the
 * start comes exactly once, in order, as a record or inside an announced gap; timestamps never decrease; `hello` is
 * first and tells the truth about a resume. What breaks a promise is written to `faults`, in words.
 */
export class OffsetCoverage {
  readonly faults: string[] = [];
  readonly gaps: GapRecord[] = [];
  /** Connections that went on where the last one ended. */
  resumes = 0;
  /** Times that a started viewer had to begin anew, because its epoch was gone. */
  resets = 0;
  /** Offsets that were due when an epoch ended, and those burned for the new one: what a new epoch may cost a viewer. */
  readonly cutOff: { readonly from: number; readonly to: number }[] = [];
  #epoch = "";
  /** The next offset that is due; −1 while the first record may have any (start by `last`). */
  #next = -1;
  #ts = 0;
  #start: ViewerStart = { kind: "head" };
  #greeted = false;

  /** Epoch of what was seen last; empty before the first `hello`. */
  get epoch(): string {
    return this.#epoch;
  }

  /** The offset up to which everything is accounted for; resume goes on after it. */
  get position(): number {
    return this.#next - 1;
  }

  /** A connection is being opened that asks for `start`. */
  connecting(start: ViewerStart): void {
    this.#start = start;
    this.#greeted = false;
  }

  hello(record: HelloRecord): void {
    const again = this.#greeted;
    const start = this.#start;
    this.#greeted = true;
    if (again) {
      if (record.epoch === this.#epoch) this.#fault("a second hello within one epoch");
      if (record.resumed) this.#fault("a hello for a new epoch claims to be resumed");
      this.#begin(record, record.head + 1);
    } else if (start.kind === "resume") {
      this.#resume(record, start);
    } else {
      if (record.resumed) this.#fault("resumed although no resume was asked for");
      const all = start.kind === "last" && start.records > 0 && record.head > 0;
      this.#begin(record, all ? -1 : record.head + 1);
    }
  }

  /** A danmaku or delete record. */
  record(offset: number, ts: number | undefined): void {
    this.#expectGreeting(`offset ${offset}`);
    if (this.#next >= 0 && offset < this.#next)
      this.#fault(`offset ${offset} came when ${this.#next} was due: again or late`);
    else if (this.#next >= 0 && offset > this.#next)
      this.#fault(`silent hole: ${offset} came when ${this.#next} was due`);
    this.#next = Math.max(this.#next, offset + 1);
    if (ts === undefined) return;
    if (ts < this.#ts) this.#fault(`ts went back from ${this.#ts} to ${ts} at offset ${offset}`);
    this.#ts = ts;
  }

  gap(record: GapRecord): void {
    const { from, to } = record;
    this.#expectGreeting(`gap ${from}–${to}`);
    this.gaps.push(record);
    if (to < from) this.#fault(`gap ${from}–${to} is upside down`);
    if (this.#next >= 0 && from !== this.#next)
      this.#fault(`gap ${from}–${to} came when ${this.#next} was due`);
    this.#next = Math.max(this.#next, to + 1);
  }

  #resume(record: HelloRecord, start: { epoch: string; after: number }): void {
    if (record.epoch === start.epoch && start.after <= record.head) {
      if (!record.resumed)
        this.#fault(`resume after ${start.after} was refused within the epoch, head ${record.head}`);
    } else if (record.resumed) {
      this.#fault("resumed although the epoch or the position was not the server's");
    }
    if (!record.resumed) {
      if (this.#epoch === record.epoch)
        this.#fault(`the epoch went on, but its head fell back to ${record.head}`);
      this.#begin(record, record.head + 1);
      return;
    }
    if (this.#epoch !== "") this.resumes++;
    if (this.#epoch === "") this.#begin(record, start.after + 1);
  }

  #begin(record: HelloRecord, next: number): void {
    if (this.#epoch !== "" && this.#epoch !== record.epoch) {
      this.resets++;
      this.cutOff.push({ from: this.#next, to: record.head });
    }
    if (this.#epoch !== record.epoch) this.#ts = 0;
    this.#epoch = record.epoch;
    this.#next = next;
  }

  #expectGreeting(what: string): void {
    if (!this.#greeted) this.#fault(`${what} came before hello`);
  }

  #fault(text: string): void {
    if (this.faults.length < FAULTS_MAX) this.faults.push(text);
  }
}
