/** Server program: PORT PING_S. Accepts WebSockets and does nothing but what the runtime does: pings the silent. */
const [port = 0, pingSeconds = 0] = process.argv.slice(2).map(Number);

Bun.serve({
  hostname: "127.0.0.1",
  port,
  fetch(request, self) {
    if (self.upgrade(request)) return undefined;
    return new Response("a WebSocket is wanted", { status: 426 });
  },
  websocket: { idleTimeout: pingSeconds, sendPings: true, perMessageDeflate: false, message() {} },
});
