/** One connection that sends much and reads little: what it cannot send yet waits in its own memory. */
import { sharedMicros } from "./clock.ts";
import { allocate, closeSocket, connectTo, receive, sleepMicros, transmit } from "./libc.ts";

const BUFFER_BYTES = 4 << 20;
const READ_BYTES = 1 << 20;

export class Connection {
  readonly #fd: number;
  readonly #out = allocate(BUFFER_BYTES);
  readonly #in = allocate(READ_BYTES);
  #from = 0;
  #to = 0;
  #unread = 0;
  isClosed = false;

  constructor(port: number) {
    this.#fd = connectTo(port);
  }

  /** Bytes that the kernel has not taken yet. */
  get waitingBytes(): number {
    return this.#to - this.#from;
  }

  /** Whether so many bytes more can be queued. */
  fits(bytes: number): boolean {
    return this.waitingBytes + bytes <= BUFFER_BYTES;
  }

  /** Queues bytes; `flush` sends them. */
  write(bytes: Uint8Array): void {
    if (this.#to + bytes.length > BUFFER_BYTES) {
      this.#out.bytes.copyWithin(0, this.#from, this.#to);
      this.#to -= this.#from;
      this.#from = 0;
    }
    if (this.#to + bytes.length > BUFFER_BYTES) throw new Error("ask `fits` before `write`");
    this.#out.bytes.set(bytes, this.#to);
    this.#to += bytes.length;
  }

  /** Gives the kernel what it takes. */
  flush(): void {
    if (this.isClosed || this.#from === this.#to) return;
    const sent = transmit(this.#fd, this.#out, this.#from, this.#to);
    if (sent < 0) this.close();
    else this.#from += sent;
    if (this.#from === this.#to) {
      this.#from = 0;
      this.#to = 0;
    }
  }

  /** Reads what is there; `taken` says how many of the bytes are done with. Returns whether there was anything. */
  read(taken: (bytes: Uint8Array, length: number) => number): boolean {
    if (this.isClosed) return false;
    for (let isSome = false; ; isSome = true) {
      const count = receive(this.#fd, this.#in, this.#unread);
      if (count < 0) this.close();
      if (count <= 0) return isSome;
      const length = this.#unread + count;
      const done = taken(this.#in.bytes, length);
      if (done < length) this.#in.bytes.copyWithin(0, done, length);
      this.#unread = length - done;
      if (this.#unread === READ_BYTES) throw new Error("a message is too long for the load generator");
      if (length < READ_BYTES) return true;
    }
  }

  /** Reads until `done`, with short pauses. Throws with `what` at the limit. */
  readUntil(
    what: string,
    limitMs: number,
    done: () => boolean,
    taken: (bytes: Uint8Array, length: number) => number,
  ): void {
    const deadline = sharedMicros() + limitMs * 1000;
    while (!done()) {
      if (sharedMicros() > deadline) throw new Error(`no ${what} within ${limitMs} ms`);
      if (this.isClosed) throw new Error(`the connection ended before ${what}`);
      this.flush();
      this.read(taken);
      sleepMicros(200);
    }
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    closeSocket(this.#fd);
  }
}
