/**
 * A broadcast server on `ws`: what a publisher sends goes to every viewer.
 *
 * - Framed once per message, not once per viewer: `Sender.frame` and `sendFrame`, as the maintainer of `ws` advises for
 *   broadcasts, and as Socket.IO does. Header and text in one buffer, so that each viewer costs one `write` and not a
 *   corked pair.
 * - `perMessageDeflate` off: the default, as its README says of the cost in CPU and memory.
 * - No `bufferutil`: on the server it speeds up the unmasking of what clients send, and viewers send nothing.
 */
import { createServer } from "node:http";
import { Sender, WebSocket, WebSocketServer } from "ws";
import { Gatherer, readOrders } from "./gather.mjs";

const TEXT = { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: false };
const { port, gatherMs } = readOrders();
/** @type {Set<WebSocket>} */
const viewers = new Set();

const gatherer = new Gatherer(gatherMs, (text) => {
  const frame = [Buffer.concat(Sender.frame(Buffer.from(text), TEXT))];
  for (const viewer of viewers) {
    if (viewer.readyState === WebSocket.OPEN) viewer._sender.sendFrame(frame);
  }
});

const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false, clientTracking: false });
server.on("connection", (socket, request) => {
  socket.on("error", () => socket.terminate());
  if (request.url === "/publish") {
    socket.on("message", (data) => gatherer.add(data.toString()));
    return;
  }
  viewers.add(socket);
  socket.on("close", () => viewers.delete(socket));
});
http.listen({ port, host: "127.0.0.1", backlog: 4096 });
