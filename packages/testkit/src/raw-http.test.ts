import { afterAll, expect, test } from "bun:test";
import { AnswerMissing, rawHttp, readAnswer, requestHead } from "./raw-http.ts";
import { RawSocket } from "./raw-socket.ts";

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === "/chunked") return new Response(new Blob(["a".repeat(70_000)]).stream());
    return Response.json({
      method: request.method,
      host: request.headers.get("host"),
      body: await request.text(),
    });
  },
});
const port = server.port as number;
const mute = Bun.listen({ port: 0, hostname: "127.0.0.1", socket: { data: (socket) => void socket.end() } });
afterAll(() => {
  server.stop(true);
  mute.stop(true);
});

test("sends the headers it is told to send", async () => {
  const answer = await rawHttp(port, { path: "/", headers: { Host: "evil.example" } });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body).host).toBe("evil.example");
});

test("sends a body and its length", async () => {
  const answer = await rawHttp(port, { method: "POST", path: "/", body: "弹幕" });
  expect(JSON.parse(answer.body)).toMatchObject({ method: "POST", body: "弹幕" });
});

test("reads a chunked answer", async () => {
  expect((await rawHttp(port, { path: "/chunked" })).body).toHaveLength(70_000);
});

test("two answers on one connection", async () => {
  const socket = await RawSocket.open(port);
  for (const path of ["/1", "/2"]) {
    socket.write(requestHead(port, { path }));
    expect((await readAnswer(socket)).status).toBe(200);
  }
  socket.destroy();
});

test("a server that says nothing is told apart from one that answers", async () => {
  await expect(rawHttp(mute.port, { path: "/" })).rejects.toBeInstanceOf(AnswerMissing);
});
