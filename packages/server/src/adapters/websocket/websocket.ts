/** WebSocket face: joins sockets of `Bun.serve` to a gateway's rooms. */
import type { HandshakeGate } from "@danmakud/core/policy";
import type { Hub, ViewerId, ViewerSink } from "@danmakud/core/rooms";
import { MESSAGE_BYTES_MAX } from "@danmakud/wire";
import type { Server, ServerWebSocket, WebSocketHandler } from "bun";
import { type Authenticator, checkRequestOrigin, type GuardOptions } from "../../auth/index.ts";
import { problem, problemOf } from "../../problem.ts";
import { type Admission, admit, chooseSubprotocol, roomOfPath } from "./upgrade.ts";

/** Bytes the runtime queues for a socket before it drops frames: a few of the largest frames there are. */
const QUEUE_BYTES_MAX = 1 << 20;
/** Bytes of a close reason, RFC 6455 section 5.5. */
const REASON_BYTES_MAX = 123;
/** Last resort only: heartbeats and silence are the hub's. */
const IDLE_TIMEOUT_S = 180;

/** What hangs on a socket: its viewer's sending end. One small object for each of very many connections. */
export class SocketData implements ViewerSink {
  /** What the upgrade came to; let go of once the socket is open. */
  admission: Admission | undefined;
  viewer: ViewerId | undefined;
  isClosed = false;
  #socket: ServerWebSocket<SocketData> | undefined;

  constructor(admission: Admission) {
    this.admission = admission;
  }

  open(socket: ServerWebSocket<SocketData>, hub: Hub): void {
    const { admission } = this;
    this.#socket = socket;
    this.admission = undefined;
    if (admission === undefined) return;
    if ("closeCode" in admission) {
      this.close(admission.closeCode, admission.reason);
      return;
    }
    const { room, who, start, encoding } = admission;
    this.viewer = hub.join(room, who, start, encoding, this);
    if (this.isClosed) hub.leave(this.viewer);
  }

  /** @hot bench/fanout.ts */
  send(frame: Uint8Array | string): number {
    const socket = this.#socket as ServerWebSocket<SocketData>;
    return typeof frame === "string" ? socket.sendText(frame) : socket.sendBinary(frame);
  }

  /** @hot bench/fanout.ts */
  touch(): void {
    // Held natively: the runtime reads the socket's own memory for it.
    void this.#socket?.readyState;
  }

  sendWithPing(frame: Uint8Array | string): number {
    let taken = 0;
    this.#socket?.cork(() => {
      taken = this.send(frame);
      this.ping();
    });
    return taken;
  }

  ping(): void {
    this.#socket?.ping();
  }

  close(code: number, reason: string): void {
    this.#socket?.close(code, shortened(reason));
  }
}

export interface WebSocketFace {
  /** Answers an upgrade request: undefined where the socket was taken over, else a response. */
  upgrade(request: Request, url: URL, server: Server<SocketData>): Promise<Response | undefined>;
  /** Whether a request is for this face. */
  owns(request: Request, url: URL): boolean;
  readonly handler: WebSocketHandler<SocketData>;
}

/** @param gate Lets upgrades in at a bounded rate; absent: all at once. */
export function createWebSocketFace(
  hub: Hub,
  auth: Authenticator,
  options: GuardOptions,
  gate?: HandshakeGate,
): WebSocketFace {
  return {
    owns: (request, url) => roomOfPath(url.pathname) !== undefined && request.headers.has("upgrade"),
    async upgrade(request, url, server) {
      const refusal = checkRequestOrigin(request.headers, options);
      if (refusal !== undefined) return problemOf(refusal);
      // Before the upgrade, for the upgrade is the work: a browser sees 1006, and comes back after a wait of its own.
      const overload = await gate?.enter(() => request.signal.aborted);
      if (overload !== undefined) return problemOf(overload);
      const { answer, encoding } = chooseSubprotocol(request.headers.get("sec-websocket-protocol"));
      const admission = await admit(request, url, roomOfPath(url.pathname) ?? "", encoding, auth);
      const data = new SocketData(admission);
      const headers = answer === undefined ? undefined : { "Sec-WebSocket-Protocol": answer };
      if (server.upgrade(request, headers === undefined ? { data } : { data, headers })) return undefined;
      return problem("invalid_message", "this is not a valid WebSocket upgrade");
    },
    handler: {
      maxPayloadLength: MESSAGE_BYTES_MAX,
      backpressureLimit: QUEUE_BYTES_MAX,
      closeOnBackpressureLimit: false,
      idleTimeout: IDLE_TIMEOUT_S,
      sendPings: false,
      perMessageDeflate: false,
      open(socket) {
        socket.binaryType = "uint8array";
        socket.data.open(socket, hub);
      },
      message(socket, frame) {
        if (socket.data.viewer !== undefined) hub.receive(socket.data.viewer, frame);
      },
      drain(socket) {
        if (socket.data.viewer !== undefined) hub.drained(socket.data.viewer);
      },
      ping(socket) {
        if (socket.data.viewer !== undefined) hub.heard(socket.data.viewer);
      },
      pong(socket) {
        if (socket.data.viewer !== undefined) hub.heard(socket.data.viewer);
      },
      close(socket) {
        socket.data.isClosed = true;
        const { viewer } = socket.data;
        socket.data.viewer = undefined;
        if (viewer !== undefined) hub.leave(viewer);
      },
    },
  };
}

/** A reason within the bytes a close frame has for it. */
function shortened(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= REASON_BYTES_MAX) return reason;
  return new TextDecoder().decode(bytes.subarray(0, REASON_BYTES_MAX)).replace(/\uFFFD+$/, "");
}
