import { expect, test } from "bun:test";
import { freshRoom, OPCODES, RawClient, useNode, Viewer, waitFor } from "@danmakud/testkit";

const node = useNode();
/** The server pings after 30 s without traffic and gives up after 75 s of silence. */
const PATIENT = { timeoutMs: 150_000, intervalMs: 250 };

test(
  "a silent connection is pinged, and closed when it stays silent; one that answers stays",
  async () => {
    const room = freshRoom("silence");
    const alive = await Viewer.open({ url: node().socketUrl(room) });
    const silent = await RawClient.open({ port: node().port, path: `/v1/rooms/${room}/ws` });
    await waitFor(
      "a ping",
      () => {
        silent.read();
        return silent.frames.some((frame) => frame.opcode === OPCODES.ping);
      },
      PATIENT,
    );
    expect((await silent.closed(PATIENT.timeoutMs)).code).toBe(4008);
    await alive.ping();
    expect({ hellos: alive.hellos.length, faults: alive.faults }).toEqual({ hellos: 1, faults: [] });
    await alive.close();
    silent.destroy();
  },
  2 * PATIENT.timeoutMs,
);
