/**
 * A broadcast server on Socket.IO: what a publisher emits goes to everyone in a room.
 *
 * Set as its "Performance tuning" page says, as far as it bears on a broadcast of text:
 * - WebSocket only, no long polling to begin with; `perMessageDeflate` off (the default).
 * - The first HTTP request of a connection is let go, which saves memory.
 * - The default parser: the msgpack one is advised for binary data, and a custom parser would also lose the frame that
 *   Socket.IO builds once per broadcast instead of once per viewer.
 * - `ws`, the default engine, without `bufferutil`, which speeds up the unmasking of what clients send: viewers send
 *   next to nothing.
 */
import { createServer } from "node:http";
import { Server } from "socket.io";
import { Gatherer, readOrders } from "./gather.mjs";

const ROOM = "room";
const { port, gatherMs } = readOrders();

const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });
io.engine.on("connection", (connection) => {
  connection.request = null;
});
const gatherer = new Gatherer(gatherMs, (text) => io.to(ROOM).emit("m", text));
io.on("connection", (viewer) => viewer.join(ROOM));
io.of("/publish").on("connection", (publisher) => {
  publisher.on("publish", (text) => gatherer.add(text));
});
http.listen({ port, host: "127.0.0.1", backlog: 4096 });
