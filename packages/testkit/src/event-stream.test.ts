import { afterAll, expect, test } from "bun:test";
import { EventStream } from "./event-stream.ts";
import { waitFor } from "./wait-for.ts";

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch() {
    const parts = [
      'id: e1:4\ndata: {"type":"stats",',
      '"online":1}\n\n: hello\n\n',
      'data: {"type":"stats","online":2}\n\n',
    ];
    const body = new ReadableStream<string>({
      async start(controller) {
        for (const part of parts) {
          controller.enqueue(part);
          await Bun.sleep(1);
        }
        controller.close();
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
});
afterAll(() => server.stop(true));

test("reads events, ids and comments, however they are cut", async () => {
  const stream = await EventStream.open(server.url.href);
  await waitFor("the end of the stream", () => stream.ended);
  expect(stream.events.map((event) => event.id)).toEqual(["e1:4", undefined]);
  expect(stream.records).toEqual([
    { type: "stats", online: 1 },
    { type: "stats", online: 2 },
  ]);
  expect(stream.comments).toBe(1);
});
