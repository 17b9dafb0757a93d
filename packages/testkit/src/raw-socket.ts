import { connect, type Socket } from "node:net";
import { concat } from "./raw-frames.ts";
import { waitFor } from "./wait-for.ts";

/** A TCP connection to a node whose bytes the test chooses itself. */
export class RawSocket {
  readonly #socket: Socket;
  #received: Uint8Array[] = [];
  #ended = false;
  #paused = false;
  #bytesReceived = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#bytesReceived += chunk.length;
      this.#received.push(new Uint8Array(chunk));
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#ended = true;
    });
    socket.on("end", () => {
      this.#ended = true;
    });
  }

  static async open(port: number, host = "127.0.0.1"): Promise<RawSocket> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect({ port, host, noDelay: true }, resolve);
    socket.once("error", reject);
    await promise;
    return new RawSocket(socket);
  }

  /** The other side has closed or reset the connection. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes read so far, taken out or not. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  write(data: string | Uint8Array): void {
    if (!this.#ended) this.#socket.write(data);
  }

  /** What has come and was not taken yet. */
  peek(): Uint8Array {
    const whole = this.#received.length === 1 ? this.#received[0]! : concat(this.#received);
    this.#received = [whole];
    return whole;
  }

  /** Drops the first `bytes` of what has come. */
  consume(bytes: number): void {
    this.#received = [this.peek().subarray(bytes)];
  }

  text(): string {
    return new TextDecoder().decode(this.peek());
  }

  /** Stops to read: the kernel's buffers fill, then the server's. */
  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#socket.resume();
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Waits until the other side has ended the connection. */
  async end(timeoutMs?: number): Promise<void> {
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    await waitFor("the server to end the connection", () => this.#ended, options);
  }

  /** Says that nothing more will be sent (FIN), and goes on reading. */
  finish(): void {
    this.#socket.end();
  }

  /** Ends the connection at once (RST). */
  destroy(): void {
    this.#socket.resetAndDestroy();
    this.#ended = true;
  }
}
