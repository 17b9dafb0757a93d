import packageFile from "socket.io/package.json";
import { startServer } from "./server-process.ts";
import { GATHER_MS, serverFile, whyNoNode } from "./servers/tools.ts";
import { type Message, type Target, tallyPayloads } from "./target.ts";

/** Packets of Engine.IO (first digit) and Socket.IO (second), protocol 5, which is all that is needed here. */
const CONNECT = "40";
const EVENT = "42";
const PONG = "3";
/** Of the publisher. */
const NAMESPACE = "/publish,";
const DIGIT_2 = 0x32;
const DIGIT_4 = 0x34;
const DIGIT_0 = 0x30;

const PATH = "/socket.io/?EIO=4&transport=websocket";
const isConnected = (message: Uint8Array): boolean => message[0] === DIGIT_4 && message[1] === DIGIT_0;
const pong = (message: Uint8Array): Message | undefined =>
  message.length === 1 && message[0] === DIGIT_2 ? PONG : undefined;

/** The framework for browsers on top of `ws`; see `servers/socket-io.mjs` for how it is set up. */
export const socketIo: Target = {
  name: "socket.io",
  settings: { version: packageFile.version, runtime: "node", transport: "websocket" },
  gatherMs: GATHER_MS,
  prepare: async () => whyNoNode(),
  start: ({ port, gatherMs = GATHER_MS }) =>
    startServer({
      command: ["node", serverFile("socket-io.mjs")],
      env: { PORT: String(port), GATHER_MS: String(gatherMs), NODE_ENV: "production" },
      port,
    }),
  viewer: {
    path: () => PATH,
    hello: [CONNECT],
    isJoined: isConnected,
    count: tallyPayloads,
    reply: pong,
  },
  publisher: {
    kind: "websocket",
    path: PATH,
    hello: [CONNECT + NAMESPACE],
    isReady: isConnected,
    encode: (payloads) => [EVENT + NAMESPACE + JSON.stringify(["publish", payloads.join("\n")])],
    reply: pong,
  },
};
