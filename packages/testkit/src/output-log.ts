/** Kept per child process; a node that floods its log must not fill the memory of the tests. */
const CHARS_MAX = 1_000_000;

/** What a child process printed, newest part kept, standard output and standard error mixed as they came. */
export class OutputLog {
  #text = "";
  readonly #done: Promise<void>[] = [];

  /** Starts to read a stream of the process; returns at once. */
  follow(stream: ReadableStream<Uint8Array>): void {
    this.#done.push(this.#read(stream));
  }

  /** A line of the tests' own, to tell one life of the process from the next. */
  note(line: string): void {
    this.#append(`${line}\n`);
  }

  get text(): string {
    return this.#text;
  }

  /** Settles when every followed stream has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#done);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.#append(decoder.decode(chunk, { stream: true }));
  }

  #append(text: string): void {
    this.#text += text;
    if (this.#text.length > CHARS_MAX) this.#text = this.#text.slice(-CHARS_MAX / 2);
  }
}
