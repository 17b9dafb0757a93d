/** The listening socket of a gateway: one port for all of them, and certificates that may change. */
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import type { Server, WebSocketHandler } from "bun";
import type { SocketData } from "../adapters/websocket/index.ts";
import type { ServeOptions } from "../config/index.ts";
import { boundSocketBuffers } from "./socket-buffers.ts";
import { report, say } from "./thread.ts";

/** How often the files of the certificate are looked at. */
const CERTIFICATE_LOOK_MS = 2000;
/** No bound of the runtime's own: it would answer without a body. The HTTP face bounds what it reads, and says so. */
const BODY_BYTES_MAX = Number.MAX_SAFE_INTEGER;
/** A connection that sends no complete request for this long is closed; event streams lift it. */
const IDLE_TIMEOUT_S = 15;

type Fetch = (request: Request, server: Server<SocketData>) => Promise<Response | undefined>;
type Tls = { readonly cert: string; readonly key: string } | undefined;

export class Listener {
  readonly #options: ServeOptions;
  readonly #websocket: WebSocketHandler<SocketData>;
  readonly #fetch: Fetch;
  #port: number;
  #server: Server<SocketData> | undefined;

  constructor(options: ServeOptions, port: number, websocket: WebSocketHandler<SocketData>, fetch: Fetch) {
    this.#options = options;
    this.#port = port;
    this.#websocket = websocket;
    this.#fetch = fetch;
  }

  /** The port in fact listened on. */
  get port(): number {
    return this.#port;
  }

  open(): void {
    this.#server = this.#listen(this.#readTls());
    this.#port = this.#server.port ?? this.#port;
    const { tlsCert, tlsKey } = this.#options;
    for (const file of [tlsCert, tlsKey]) {
      if (file !== undefined) watchFile(file, { interval: CERTIFICATE_LOOK_MS }, () => this.#reload());
    }
  }

  /** Accepts no more; connections that are open stay. */
  close(): void {
    const { tlsCert, tlsKey } = this.#options;
    for (const file of [tlsCert, tlsKey]) if (file !== undefined) unwatchFile(file);
    this.#server?.stop(false);
  }

  /** Listens with the new certificate beside the old listener, then ends that one: no moment without any. */
  #reload(): void {
    try {
      const next = this.#listen(this.#readTls());
      this.#server?.stop(false);
      this.#server = next;
      say({ type: "log", level: "info", message: "listening with the new certificate" });
    } catch (error) {
      report("the new certificate cannot be used, the old one stays", error);
    }
  }

  #readTls(): Tls {
    const { tlsCert, tlsKey } = this.#options;
    if (tlsCert === undefined || tlsKey === undefined) return undefined;
    return { cert: readFileSync(tlsCert, "utf8"), key: readFileSync(tlsKey, "utf8") };
  }

  #listen(tls: Tls): Server<SocketData> {
    const server = Bun.serve<SocketData>({
      hostname: this.#options.host,
      port: this.#port,
      reusePort: true,
      idleTimeout: IDLE_TIMEOUT_S,
      maxRequestBodySize: BODY_BYTES_MAX,
      development: false,
      ...(tls === undefined ? undefined : { tls }),
      fetch: this.#fetch,
      error: (error) => {
        report("a request failed", error);
        return new Response(null, { status: 500 });
      },
      websocket: this.#websocket,
    });
    if (server.port !== undefined) boundSocketBuffers(server.port);
    return server;
  }
}
