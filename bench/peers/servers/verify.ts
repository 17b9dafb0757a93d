/**
 * `sh scripts/with-bun bench/peers/servers/verify.ts [SYSTEM...]`: does every viewer of a system get every payload?
 * 50 viewers, 1,000 payloads, at the adapter's own setting and without gathering; each payload is to come exactly once,
 * in order.
 */
import { makePayload, readPayloads } from "../../load/payload.ts";
import { freePort } from "../../load/ports.ts";
import { TARGETS, targetNamed } from "../index.ts";
import type { Message, Target } from "../target.ts";

const VIEWERS = 50;
const PAYLOADS = 1_000;
const PAYLOADS_PER_BATCH = 4;
const PATIENCE_MS = 10_000;

/** A browser-like client of a face: greets, answers pings, and hands on every message. */
function connect(
  port: number,
  face: {
    readonly path: string;
    readonly subprotocol?: string | undefined;
    readonly hello?: readonly Message[] | undefined;
    readonly isReady?: ((message: Uint8Array) => boolean) | undefined;
    readonly reply?: ((message: Uint8Array) => Message | undefined) | undefined;
  },
  seen: (message: Uint8Array) => void,
): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${face.path}`, face.subprotocol ?? []);
  socket.binaryType = "arraybuffer";
  return new Promise((resolve, reject) => {
    socket.onerror = () => reject(new Error(`no connection to ${face.path}`));
    socket.onopen = () => {
      for (const message of face.hello ?? []) send(socket, message);
      if (face.isReady === undefined) resolve(socket);
    };
    socket.onmessage = ({ data }) => {
      const message = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
      const answer = face.reply?.(message);
      if (answer !== undefined) send(socket, answer);
      if (face.isReady?.(message)) resolve(socket);
      seen(message);
    };
  });
}

function send(socket: WebSocket, message: Message): void {
  socket.send(typeof message === "string" ? message : Buffer.from(message));
}

async function publish(target: Target, port: number, batches: readonly string[][]): Promise<void> {
  const { publisher } = target;
  if (publisher.kind === "http") {
    for (const [at, batch] of batches.entries()) {
      for (const { method, path, headers, body } of publisher.encode(batch, at * PAYLOADS_PER_BATCH)) {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, {
          method,
          body,
          headers: { ...headers },
        });
        if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      }
    }
    return;
  }
  const socket = await connect(port, publisher, () => {});
  for (const [at, batch] of batches.entries()) {
    for (const message of publisher.encode(batch, at * PAYLOADS_PER_BATCH)) send(socket, message);
    await Bun.sleep(1);
  }
  await until(() => socket.bufferedAmount === 0);
}

async function until(reached: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!reached() && performance.now() < deadline) await Bun.sleep(5);
}

/** Returns what is wrong, or undefined. */
async function fault(target: Target, gatherMs: number | undefined): Promise<string | undefined> {
  const port = await freePort();
  const server = await target.start({ port, ...(gatherMs === undefined ? {} : { gatherMs }) });
  try {
    const numbers = Array.from({ length: VIEWERS }, (): number[] => []);
    const tally = { records: 0, skipped: 0 };
    const { viewer } = target;
    const sockets = await Promise.all(
      numbers.map((got, at) =>
        connect(
          port,
          {
            path: viewer.path(at),
            subprotocol: viewer.subprotocol,
            hello: viewer.hello,
            isReady: viewer.isJoined,
            reply: viewer.reply,
          },
          (message) => {
            readPayloads(message, (_, number) => got.push(number));
            viewer.count(message, tally);
          },
        ),
      ),
    );
    const payloads = Array.from({ length: PAYLOADS }, (_, number) => makePayload(0, number));
    const batches = Array.from({ length: PAYLOADS / PAYLOADS_PER_BATCH }, (_, at) =>
      payloads.slice(at * PAYLOADS_PER_BATCH, (at + 1) * PAYLOADS_PER_BATCH),
    );
    await publish(target, port, batches);
    await until(() => numbers.every((got) => got.length >= PAYLOADS));
    for (const socket of sockets) socket.close();
    if (tally.records !== VIEWERS * PAYLOADS) return `${tally.records} payloads of ${VIEWERS * PAYLOADS}`;
    const odd = numbers.findIndex((got) => got.some((number, at) => number !== at));
    return odd < 0 ? undefined : `viewer ${odd} got them out of order`;
  } finally {
    await server.stop();
  }
}

let faults = 0;
const names = process.argv.slice(2);
for (const target of names.length === 0 ? TARGETS : names.map(targetNamed)) {
  const missing = await target.prepare();
  if (missing !== undefined) {
    console.log(`${target.name}: missing: ${missing}`);
    continue;
  }
  for (const gatherMs of [undefined, 0]) {
    const wrong = await fault(target, gatherMs);
    if (wrong !== undefined) faults++;
    const setting = gatherMs === undefined ? "own setting" : "no gathering";
    console.log(`${target.name}, ${setting}: ${wrong ?? `${VIEWERS} viewers got ${PAYLOADS} payloads each`}`);
  }
}
process.exit(faults === 0 ? 0 : 1);
