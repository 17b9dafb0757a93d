import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * A way to a TCP server on loopback that can be cut: nothing passes any more, in either direction, and nobody is told, as
 * when a network loses a route. What was sent meanwhile arrives when it is mended.
 */
export class TcpProxy implements AsyncDisposable {
  /** Connections that were made to it, ever. */
  connections = 0;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #isCut = false;

  private constructor(target: number) {
    this.#server = createServer((near) => {
      this.connections++;
      const far = connect(target, "127.0.0.1");
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      this.#join(near, far, pair);
      this.#join(far, near, pair);
      if (this.#isCut) for (const socket of pair) socket.pause();
    });
  }

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  cut(): void {
    this.#isCut = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  mend(): void {
    this.#isCut = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(from: Socket, to: Socket, pair: readonly [Socket, Socket]): void {
    from.on("data", (bytes) => void to.write(bytes));
    from.on("error", () => {});
    from.on("close", () => {
      this.#pairs.delete(pair);
      to.destroy();
    });
  }
}
