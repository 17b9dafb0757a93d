import { afterAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { MESSAGE_BYTES_MAX } from "@danmakud/wire";
import { connectBare, problemOfResponse, serveFace, until } from "./http-handler.fixture.ts";

const face = serveFace({}, { limits: { bodyDeadlineMs: 100 } });
const patient = serveFace();
afterAll(() => Promise.all([face.stop(), patient.stop()]));

const HEAD =
  "POST /v1/rooms/r/danmaku?uid=u1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

/** Sends bare text and returns what was answered until the head of an answer was there. */
async function answerTo(port: number, ...parts: string[]): Promise<string> {
  const connection = await connectBare(port);
  for (const part of parts) {
    connection.write(part);
    await Bun.sleep(1);
  }
  await until(() => connection.received().includes("\r\n\r\n"), "there is an answer");
  connection.destroy();
  return connection.received();
}

/** A danmaku in a body of exactly so many bytes. */
function bodyOf(bytes: number): string {
  const body = '{"content":"1"}';
  return body + " ".repeat(bytes - body.length);
}

test("a body of 2 MiB passes, one byte more does not", async () => {
  expect((await patient.post(bodyOf(MESSAGE_BYTES_MAX))).status).toBe(201);
  expect(await problemOfResponse(await patient.post(bodyOf(MESSAGE_BYTES_MAX + 1)))).toBe("413 too_large");
});

test("a length over the limit is refused before the body comes", async () => {
  const answer = await answerTo(patient.port, `${HEAD}Content-Length: ${MESSAGE_BYTES_MAX + 1}\r\n\r\n{`);
  expect(answer).toStartWith("HTTP/1.1 413");
  expect(answer).toContain('"code":"too_large"');
  const huge = await answerTo(patient.port, `${HEAD}Content-Length: 100000000\r\n\r\n{`);
  expect(huge).toStartWith("HTTP/1.1 413");
  expect(huge.toLowerCase()).toContain("connection: close");
});

test("a client that sends all of a refused body before it reads gets the answer, and goes on", async () => {
  const bytes = 6 * 1024 * 1024;
  const body = " ".repeat(bytes);
  const chunk = `${bytes.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const requests = [
    ["413", `${HEAD}Content-Length: ${bytes}\r\n\r\n${body}`],
    ["413", `${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunk}`],
    ["415", `${HEAD.replace("json", "xml")}Content-Length: ${bytes}\r\n\r\n${body}`],
  ] as const;
  for (const [status, request] of requests) {
    const socket = connect(patient.port, "127.0.0.1");
    await new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.write(request, resolve);
    });
    let received = "";
    socket.on("data", (data) => {
      received += data.toString("latin1");
    });
    await until(() => received.endsWith("}"), "there is an answer");
    expect(received).toStartWith(`HTTP/1.1 ${status}`);
    socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => received.includes("HTTP/1.1 200"), "the connection is of use");
    socket.destroy();
  }
});

test("chunks without a length: in pieces, and past the limit", async () => {
  const pieces = ['b\r\n{"content":\r\n', '6\r\n"666"}\r\n', "0\r\n\r\n"];
  expect(await answerTo(patient.port, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, ...pieces)).toStartWith(
    "HTTP/1.1 201",
  );
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(256 * 1024).fill(32)),
  });
  const response = await fetch(`${patient.url}/v1/rooms/r/danmaku`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: stream,
  });
  expect(await problemOfResponse(response)).toBe("413 too_large");
});

test("a body that does not arrive, or dribbles in, is given up", async () => {
  const published = face.hub.published.length;
  const stuck = await answerTo(face.port, `${HEAD}Content-Length: 100\r\n\r\n{"cont`);
  expect(stuck).toStartWith("HTTP/1.1 408");
  expect(stuck).toContain("application/problem+json");
  const connection = await connectBare(face.port);
  connection.write(`${HEAD}Content-Length: 100000\r\n\r\n`);
  const dribble = setInterval(() => connection.write(" "), 10);
  await until(() => connection.received().startsWith("HTTP/1.1 408"), "the dribble is given up");
  clearInterval(dribble);
  await until(() => connection.closed(), "the connection is closed");
  connection.destroy();
  expect(face.hub.published).toHaveLength(published);
});

test("a body that is cut off publishes nothing and leaves no fault behind", async () => {
  const connection = await connectBare(patient.port);
  const published = patient.hub.published.length;
  connection.write(`${HEAD}Content-Length: 100\r\n\r\n{"content":"1"}`);
  await Bun.sleep(10);
  connection.destroy();
  expect((await patient.post({ content: "after" })).status).toBe(201);
  expect(patient.hub.published).toHaveLength(published + 1);
  expect(patient.logged).toEqual([]);
});

test("a broken chunk and two lengths are refused", async () => {
  expect(await answerTo(patient.port, `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`)).toStartWith(
    "HTTP/1.1 400",
  );
  const both = `${HEAD}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`;
  expect(await answerTo(patient.port, both)).toStartWith("HTTP/1.1 400");
});
