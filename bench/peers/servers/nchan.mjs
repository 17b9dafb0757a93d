/**
 * Runs nginx with nchan: `NGINX` (executable), `NCHAN_MODULE` (its module file), `FOLDER` (for its files), `PORT`.
 *
 * With `GATHER_MS`, this process is also the application that nchan is made to stand in front of: it takes what is
 * published, gathers it and passes it on to nchan's own publisher face.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { WebSocket, WebSocketServer } from "ws";
import { Gatherer, readOrders } from "./gather.mjs";
import { nginxConfiguration } from "./nchan-conf.mjs";

const CONNECT_TRIES = 200;
const CONNECT_PAUSE_MS = 25;

const { port, gatherMs } = readOrders();
const folder = process.env.FOLDER ?? ".";
const nginxSocket = join(folder, "nginx.sock");
const gatherSocket = gatherMs > 0 ? join(folder, "gather.sock") : undefined;

const http = createServer();
if (gatherSocket !== undefined) {
  // It listens before nginx does, so that nobody who is let in by nginx finds it missing.
  http.listen(gatherSocket);
  await once(http, "listening");
}

const configuration = join(folder, "nginx.conf");
writeFileSync(
  configuration,
  nginxConfiguration(port, { module: process.env.NCHAN_MODULE ?? "", folder, nginxSocket, gatherSocket }),
);
const nginx = spawn(process.env.NGINX ?? "nginx", ["-p", folder, "-c", configuration], {
  stdio: ["ignore", "inherit", "inherit"],
});
nginx.on("exit", (code) => process.exit(code ?? 1));
process.on("SIGTERM", () => nginx.kill("SIGTERM"));

/** A connection to nchan's publisher face, as soon as nginx listens. */
async function connect() {
  for (let tries = 0; tries < CONNECT_TRIES; tries++) {
    const socket = new WebSocket(`ws+unix:${nginxSocket}:/nchan-publish`, { perMessageDeflate: false });
    const isOpen = await new Promise((resolve) => {
      socket.once("open", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    if (isOpen) return socket;
    await new Promise((resolve) => setTimeout(resolve, CONNECT_PAUSE_MS));
  }
  throw new Error("nginx does not listen");
}

if (gatherSocket !== undefined) {
  const nchan = connect();
  const gatherer = new Gatherer(gatherMs, async (text) => (await nchan).send(text));
  new WebSocketServer({ server: http, perMessageDeflate: false }).on("connection", (socket) => {
    socket.on("message", (data) => gatherer.add(data.toString()));
  });
}
