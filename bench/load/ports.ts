/** Ports for servers under load: below the range from which the kernel takes ports of outgoing connections. */
import { accepts } from "../peers/server-process.ts";

const FIRST = 19_000;
const COUNT = 1000;
let next = Math.floor(Math.random() * COUNT);

/** A port of 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries++) {
    const port = FIRST + (next++ % COUNT);
    if (!(await accepts(port))) return port;
  }
  throw new Error(`no free port from ${FIRST} to ${FIRST + COUNT - 1}`);
}
