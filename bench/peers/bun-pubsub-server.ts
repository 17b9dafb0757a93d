/**
 * Server program of the targets `bun-pubsub` and `baseline`: PORT GATHER_MS publish|loop RECORD_BYTES.
 *
 * `publish` is Bun's own pub/sub (uWebSockets) as its documentation shows it: every viewer subscribes to a topic, and a
 * frame is published to the topic. `loop` sends the frame to one socket after the other and does nothing else: what the
 * kernel and the runtime take for so many writes. Both hold what comes from the publisher for the gathering time and send it as one frame.
 */
import type { ServerWebSocket } from "bun";
import { PAYLOAD_BYTES } from "../load/payload.ts";

const [port = 0, gatherMs = 0] = process.argv.slice(2, 4).map(Number);
const isLoop = process.argv[4] === "loop";
const recordBytes = Number(process.argv[5] ?? 0);
const TOPIC = "bench";

const viewers = new Set<ServerWebSocket<boolean>>();
let waiting: Buffer[] = [];
let isTimed = false;

const server = Bun.serve<boolean>({
  hostname: "127.0.0.1",
  port,
  fetch(request, self) {
    const isPublisher = new URL(request.url).pathname === "/publish";
    if (self.upgrade(request, { data: isPublisher })) return undefined;
    return new Response("a WebSocket is wanted", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    backpressureLimit: 1 << 20,
    closeOnBackpressureLimit: false,
    idleTimeout: 120,
    open(socket) {
      if (socket.data) return;
      if (isLoop) viewers.add(socket);
      else socket.subscribe(TOPIC);
    },
    message(_socket, message) {
      waiting.push(Buffer.from(message));
      if (gatherMs === 0) return send();
      if (isTimed) return;
      isTimed = true;
      setTimeout(send, gatherMs);
    },
    close(socket) {
      viewers.delete(socket);
    },
  },
});

function send(): void {
  isTimed = false;
  const frame = waiting.length === 1 ? (waiting[0] as Buffer) : Buffer.concat(waiting);
  waiting = [];
  if (!isLoop) {
    server.publish(TOPIC, frame);
    return;
  }
  // As long as the frames of the system whose writes are compared.
  const padded = Buffer.alloc((frame.length / PAYLOAD_BYTES) * recordBytes);
  frame.copy(padded);
  for (const viewer of viewers) viewer.sendBinary(padded);
}
