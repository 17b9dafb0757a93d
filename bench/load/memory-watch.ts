/** Memory of a server while it is under load: its own, and what the kernel holds in TCP's buffers. */
import { anonymousBytes, kernelMemory } from "../connections/accounts.ts";

const LOOK_MS = 250;

export interface MemoryUse {
  readonly userBytes: number;
  /** Of all sockets of the machine, both ends of each. */
  readonly bufferBytes: number;
}

export class MemoryWatch {
  /** At the beginning. */
  readonly start: MemoryUse;
  /** The most of each. */
  readonly most: { userBytes: number; bufferBytes: number };
  readonly #pid: number;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(pid: number) {
    this.#pid = pid;
    this.start = this.now();
    this.most = { ...this.start };
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  now(): MemoryUse {
    return { userBytes: anonymousBytes([this.#pid]), bufferBytes: kernelMemory().buffers };
  }

  stop(): void {
    this.#look();
    clearInterval(this.#timer);
  }

  #look(): void {
    const { userBytes, bufferBytes } = this.now();
    this.most.userBytes = Math.max(this.most.userBytes, userBytes);
    this.most.bufferBytes = Math.max(this.most.bufferBytes, bufferBytes);
  }
}
