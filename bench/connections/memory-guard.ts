/** Watches what memory is left, so that a run ends by itself and not by the kernel's choice of whom to kill. */
import { availableBytes } from "./accounts.ts";

const MIB = 2 ** 20;
/** Opening ends this much earlier than the run: what is open still wants to be measured. */
const MEASURING_BYTES = 256 * MIB;
const LOOK_MS = 250;

export class OutOfMemory extends Error {}

export class MemoryGuard {
  readonly startBytes = availableBytes();
  #leastBytes = this.startBytes;
  #bytes = this.startBytes;
  readonly #over = Promise.withResolvers<never>();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #keepBytes: number;

  /** `keepBytes` are to be left to others. */
  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
    this.#over.promise.catch(() => {});
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Whether there is little enough left to stop growing. */
  get isLow(): boolean {
    return this.#bytes < this.#keepBytes + MEASURING_BYTES;
  }

  /** The least there ever was. */
  get leastBytes(): number {
    return this.#leastBytes;
  }

  /** The work's result; rejects with `OutOfMemory` where memory runs out before. */
  async during<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([work, this.#over.promise]);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    this.#bytes = availableBytes();
    this.#leastBytes = Math.min(this.#leastBytes, this.#bytes);
    if (this.#bytes < this.#keepBytes) {
      this.#over.reject(new OutOfMemory(`only ${Math.round(this.#bytes / MIB)} MiB of memory are left`));
    }
  }
}
