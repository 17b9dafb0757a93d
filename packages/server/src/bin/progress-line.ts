/** One line about work that goes on: rewritten in place on a terminal, now and then a new one anywhere else. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const TERMINAL_INTERVAL_MS = 200;
const PLAIN_INTERVAL_MS = 5_000;
/** Erase from the cursor to the end of the line (ECMA-48, EL). */
const ERASE_REST = "\x1b[K";

export class ProgressLine {
  readonly #output: ProgressOutput;
  readonly #render: () => string;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(output: ProgressOutput, render: () => string) {
    this.#output = output;
    this.#render = render;
    this.#timer = setInterval(() => this.#show(), output.isTTY ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS);
  }

  /** Writes a line of its own without disturbing the progress. */
  note(text: string): void {
    this.#output.write(this.#output.isTTY ? `\r${ERASE_REST}${text}\n` : `${text}\n`);
  }

  /** Shows the last state and ends. */
  stop(): void {
    clearInterval(this.#timer);
    this.#show();
    if (this.#output.isTTY) this.#output.write("\n");
  }

  #show(): void {
    const text = this.#render();
    this.#output.write(this.#output.isTTY ? `\r${text}${ERASE_REST}` : `${text}\n`);
  }
}
