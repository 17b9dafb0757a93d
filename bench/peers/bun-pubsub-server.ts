/**
 * Server program of the targets `bun-pubsub` and `baseline`: PORT GATHER_MS publish|loop RECORD_BYTES.
 *
 * `publish` is Bun's own pub/sub (uWebSockets) as its documentation shows it: every viewer subscribes to a topic, and a
 * frame is published to the topic. `loop` sends the frame to one socket after the other and does nothing else: what the
 * kernel and the runtime take for so many writes.
 *
 * Payloads are held for GATHER_MS and go out as one message; `loop` counts that from its last message. With 0, `publish` makes each payload a message of its own.
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
let sentAt = 0;

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
      if (gatherMs === 0) return isLoop ? send() : publishEach();
      if (isTimed) return;
      isTimed = true;
      // The loop is told how often to send, however long sending takes, so that it can keep another system's pace.
      const waitMs = isLoop ? Math.max(0, gatherMs - (performance.now() - sentAt)) : gatherMs;
      setTimeout(send, waitMs);
    },
    close(socket) {
      viewers.delete(socket);
    },
  },
});

/** Every payload is a message of its own; uWebSockets writes those of one turn of its loop together. */
function publishEach(): void {
  for (const payloads of waiting) {
    for (let at = 0; at < payloads.length; at += PAYLOAD_BYTES) {
      const payload = payloads.subarray(at, at + PAYLOAD_BYTES);
      server.publish(TOPIC, payload);
    }
  }
  waiting = [];
}

function send(): void {
  isTimed = false;
  sentAt = performance.now();
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
