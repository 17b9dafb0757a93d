/** Brings entries to the sinks, acknowledges them, and decides what becomes of those that a sink does not take. */
import type { Acked } from "../adapters/redis/index.ts";
import { backoffMs } from "./backoff.ts";
import {
  ACK_ROOMS_MAX,
  BATCH_ENTRIES_DEFAULT,
  DEAD_LETTERS_MAX,
  HOLD_WAIT_MS,
  PAUSE_MAX_MS,
  REASON_CHARS_MAX,
  SURPLUS_ACKS_MAX,
  TRIES_MAX,
} from "./limits.ts";
import { Company, type QueuedEntry } from "./queued-entry.ts";
import type { BatchPart } from "./room-desk.ts";
import { failureKind, type Sink, type SinkEntry, type SinkUnavailableError } from "./sink.ts";
import { reasonOf, type WorkerContext } from "./worker-context.ts";

export class Delivery {
  readonly #context: WorkerContext;
  readonly #sinks: readonly Sink[];
  readonly #batchMax: number;
  readonly #concurrency: number;
  readonly #abort = new AbortController();
  /** Acks and burials that are under way. */
  readonly #settling = new Set<Promise<void>>();
  #atSinks = 0;
  #pausedUntilMs = 0;
  #awayInARow = 0;
  #isStopped = false;

  constructor(context: WorkerContext, sinks: readonly Sink[], concurrency: number) {
    this.#context = context;
    this.#sinks = sinks;
    this.#batchMax = Math.min(...sinks.map((sink) => sink.batchEntriesMax ?? BATCH_ENTRIES_DEFAULT));
    this.#concurrency = Math.min(concurrency, ...sinks.map((sink) => sink.concurrencyMax ?? concurrency));
    context.desk.isSinkFree = () => this.#atSinks < this.#concurrency && !context.desk.hasDeliverable;
  }

  get isAway(): boolean {
    return this.#awayInARow > 0;
  }

  /** Works until `stop`, with as many calls of the sinks at once as these allow. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#concurrency }, () => this.#loop()));
  }

  /** Takes no more; what is at the sinks is let finish. */
  stop(): void {
    this.#isStopped = true;
    this.#context.desk.deliveryWanted.wake();
  }

  /** Resolves when nothing is at the sinks and every ack is answered, or it took too long. */
  async drain(timeoutMs: number): Promise<boolean> {
    const deadline = this.#context.now() + timeoutMs;
    while (this.#atSinks > 0 || this.#settling.size > 0) {
      if (this.#context.now() > deadline) {
        this.#abort.abort();
        return false;
      }
      await Bun.sleep(5);
    }
    return true;
  }

  async #loop(): Promise<void> {
    const { desk, now } = this.#context;
    while (!this.#isStopped) {
      const pauseMs = this.#pausedUntilMs - now();
      if (pauseMs > 0) {
        await Bun.sleep(Math.min(Math.ceil(pauseMs), 250));
        continue;
      }
      const batch = desk.takeBatch(this.#batchMax);
      if (batch === undefined) {
        await desk.deliveryWanted.sleep(1_000);
        continue;
      }
      desk.deliveryWanted.wake(); // for another loop, in case there is more
      this.#atSinks++;
      await this.#deliver(batch).finally(() => {
        this.#atSinks--;
        desk.sinkFree.wake();
      });
    }
    desk.deliveryWanted.wake();
  }

  async #deliver(parts: readonly BatchPart[]): Promise<void> {
    const held = parts.filter((part) => this.#stillHeld(part));
    const [first] = held;
    const head = first?.entries[0];
    if (first === undefined || head === undefined) return;
    if (typeof head.entry === "string") return this.#settle(this.#bury(first, head.entry));
    if (head.tries >= TRIES_MAX) {
      return this.#settle(this.#bury(first, `a worker ended in each of ${head.tries} tries`));
    }
    try {
      const failed = await this.#writeNoted(held);
      if (failed === undefined) {
        this.#awayInARow = 0;
        for (let at = 0; at < held.length; at += ACK_ROOMS_MAX)
          this.#settle(this.#ack(held.slice(at, at + ACK_ROOMS_MAX)));
      } else this.#failed(held, failed.sink, failed.error);
    } catch (error) {
      // Redis did not take the note of the try.
      this.#context.log.warn({ reason: reasonOf(error) }, "a try could not be noted");
      for (const part of held) this.#context.desk.retry(part, backoffMs(1, this.#context.random()));
    }
  }

  #stillHeld(part: BatchPart): boolean {
    if (!part.room.isLeft && this.#context.holds(part.room)) return true;
    // Looked at again when the lease is known to be gone, or is there: not before the clock goes on.
    this.#context.desk.retry(part, HOLD_WAIT_MS);
    return false;
  }

  /** A try of what has failed before is noted first, so that it counts even if this process does not survive it. */
  async #writeNoted(parts: readonly BatchPart[]) {
    const { store, onFenced } = this.#context;
    const tried = parts.filter(({ entries }) => (entries[0]?.tries ?? 0) > 0);
    const notes = tried.map(async ({ room, entries }) => {
      const [head] = entries;
      if (head === undefined) return;
      room.isTryNoted = true;
      if (!(await store.noteTry(room.name, room.token, head.offset, head.tries))) onFenced(room);
    });
    if (notes.length > 0) await Promise.all(notes);
    return await this.#write(parts.flatMap(({ entries }) => entries));
  }

  /** Gives the entries to every sink that does not have them yet. @returns the first failure. */
  async #write(entries: readonly QueuedEntry[]): Promise<{ sink: Sink; error: unknown } | undefined> {
    const calls = this.#sinks.map(async (sink, index) => {
      const bit = 1 << index;
      const missing = entries.filter(({ taken }) => (taken & bit) === 0);
      if (missing.length === 0) return;
      await sink.write(
        missing.map(({ entry }) => entry as SinkEntry),
        this.#abort.signal,
      );
      for (const entry of missing) entry.taken |= bit;
    });
    const results = await Promise.allSettled(calls);
    const failures = results.flatMap((result, index) => {
      const sink = this.#sinks[index];
      return result.status === "rejected" && sink !== undefined
        ? [{ sink, error: result.reason as unknown }]
        : [];
    });
    // One that is away says nothing about the entries, so it goes first.
    return failures.find(({ error }) => failureKind(error) === "unavailable") ?? failures[0];
  }

  #failed(parts: readonly BatchPart[], sink: Sink, error: unknown): void {
    const { desk, log, metrics, random, now } = this.#context;
    const reason = reasonOf(error);
    const kind = failureKind(error);
    if (kind === "unavailable") {
      const asked = (error as SinkUnavailableError).retryAfterMs;
      this.#awayInARow++;
      const pauseMs = Math.min(PAUSE_MAX_MS, asked ?? backoffMs(this.#awayInARow, random()));
      this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now() + pauseMs);
      metrics.sinkAway.inc();
      log.warn({ sink: sink.name, reason, pauseMs: Math.round(pauseMs) }, "a sink is away");
      for (const part of parts) desk.retry(part, 0);
      return;
    }
    this.#awayInARow = 0;
    for (const part of parts) this.#punish(part, sink, kind, reason);
    metrics.retried.inc(parts.reduce((sum, { entries }) => sum + entries.length, 0));
  }

  /** Counts a failure against entries; the last one sends an entry that was tried by itself to the dead letters. */
  #punish(part: BatchPart, sink: Sink, kind: "rejected" | "failed", reason: string): void {
    const { desk, log, random } = this.#context;
    const [head] = part.entries;
    if (head === undefined) return;
    const isAlone = part.entries.length === 1;
    for (const entry of part.entries) {
      entry.tries++;
      entry.company = kind === "rejected" || entry.company !== Company.any ? Company.none : Company.room;
    }
    const { room } = part;
    log.warn(
      { sink: sink.name, room: room.name, offset: head.offset, tries: head.tries, reason },
      "a sink failed",
    );
    if (isAlone && (kind === "rejected" || head.tries >= TRIES_MAX)) {
      this.#settle(this.#bury(part, `${sink.name}: ${reason}`));
    } else desk.retry(part, kind === "rejected" ? 0 : backoffMs(head.tries, random()));
  }

  async #ack(parts: readonly BatchPart[]): Promise<void> {
    const { store, desk, collector } = this.#context;
    const acked = await this.#insist(parts, () =>
      store.ack(
        parts.map(({ room, entries }) => ({
          room: room.name,
          token: room.token,
          ids: entries.map(({ id }) => id),
          endsTry: room.isTryNoted,
        })),
      ),
    );
    for (const [at, part] of parts.entries()) {
      const answer = acked?.[at];
      if (answer?.status === "served") this.#noteAcked(part);
      desk.finish(part);
      this.#afterAck(part, answer);
    }
    if (desk.queuedEntries === 0 && !desk.hasBacklog) collector.rest();
  }

  #noteAcked({ room, entries }: BatchPart): void {
    const { metrics, collector, now } = this.#context;
    room.isTryNoted = false;
    metrics.acked.inc(entries.length);
    collector.note(entries.length);
    const ackedAtMs = now();
    let since = 0;
    // Runs of entries that came with one read share its time.
    for (let at = 1; at <= entries.length; at++) {
      if (entries[at]?.readAtMs === entries[since]?.readAtMs) continue;
      metrics.noteLatency(ackedAtMs - (entries[since]?.readAtMs ?? ackedAtMs), at - since);
      since = at;
    }
  }

  async #bury(part: BatchPart, reason: string): Promise<void> {
    const { store, desk, metrics, log, worker, wallClock } = this.#context;
    const { room } = part;
    const [head] = part.entries;
    if (head === undefined) return;
    const letter = {
      offset: String(head.offset),
      id: head.id,
      epoch: room.epochOf(head.offset),
      reason: reason.slice(0, REASON_CHARS_MAX),
      tries: String(head.tries),
      deadAt: String(wallClock()),
      worker,
    };
    const only = { room, entries: [head] };
    const [acked] =
      (await this.#insist([only], async () => [
        await store.bury(room.name, room.token, head.id, letter, DEAD_LETTERS_MAX),
      ])) ?? [];
    if (acked?.status === "served") {
      room.isTryNoted = false;
      metrics.dead.inc();
      log.error(
        { room: room.name, offset: head.offset, reason: letter.reason },
        "an entry went to the dead letters",
      );
    }
    desk.finish(only);
    this.#afterAck(only, acked);
  }

  #afterAck({ room }: BatchPart, acked: Acked | undefined): void {
    const { desk, onFenced } = this.#context;
    if (acked === undefined || room.isLeft) return;
    if (acked.status !== "served") {
      if (acked.status === "fenced") onFenced(room);
      else desk.startOver(room);
      return;
    }
    if (room.epoch !== "" && acked.epoch !== "" && acked.epoch !== room.epoch) {
      // An epoch began; where, the room's hash says.
      desk.toAttach.add(room);
      desk.attachWanted.wake();
    }
    room.surplusAcks = acked.pending > room.queue.length ? room.surplusAcks + 1 : 0;
    if (room.surplusAcks < SURPLUS_ACKS_MAX) return;
    room.surplusAcks = 0;
    room.askClaim();
    desk.attach(room);
  }

  /** What the sinks have must be said to Redis: tried until it is, or the rooms are another's. */
  async #insist(
    parts: readonly BatchPart[],
    say: () => Promise<readonly Acked[]>,
  ): Promise<readonly Acked[] | undefined> {
    const { log, random } = this.#context;
    for (let failures = 1; ; failures++) {
      if (parts.every(({ room }) => room.isLeft) || this.#abort.signal.aborted) return undefined;
      try {
        return await say();
      } catch (error) {
        if (failures === 1) log.warn({ reason: reasonOf(error) }, "an ack did not get through");
        await Bun.sleep(backoffMs(failures, random(), 2_000));
      }
    }
  }

  #settle(work: Promise<void>): void {
    const settled = work.catch((error) => {
      this.#context.log.error({ reason: reasonOf(error) }, "settling a batch failed");
    });
    this.#settling.add(settled);
    settled.finally(() => this.#settling.delete(settled));
  }
}
