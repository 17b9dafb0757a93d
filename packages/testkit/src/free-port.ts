import { createServer } from "node:net";

/**
 * Below the kernel's range of ephemeral ports (32768 and up on Linux): a node that is killed and started again must
 * find its port free, and an outgoing connection of the tests could have been given one from that range meanwhile.
 */
const PORT_MIN = 12_000;
const PORT_MAX = 31_000;
const TRIES_MAX = 200;

/** A TCP port on 127.0.0.1 that nobody listens on at the moment. Another process may still take it: callers try again. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${PORT_MIN} and ${PORT_MAX} in ${TRIES_MAX} tries`);
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once("error", () => resolve(false));
  server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  return promise;
}
