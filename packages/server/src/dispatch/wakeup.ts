/** A loop's sleep that others can end. A wake-up that comes while the loop is at work is not lost. */
export class Wakeup {
  #isDue = false;
  #end: (() => void) | undefined;

  wake(): void {
    this.#isDue = true;
    this.#end?.();
  }

  /** Resolves when woken, at once if that was since the last sleep, or after so many milliseconds. */
  async sleep(timeoutMs: number): Promise<void> {
    if (!this.#isDue) {
      await new Promise<void>((resolve) => {
        // The runtime cuts off fractions, and would be back at once for the last one, again and again.
        const timer = setTimeout(resolve, Math.ceil(timeoutMs));
        this.#end = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#end = undefined;
    }
    this.#isDue = false;
  }
}
