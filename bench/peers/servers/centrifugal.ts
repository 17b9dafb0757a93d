/**
 * Centrifugal's client protocol, as far as a viewer of one channel needs it, and the call of its HTTP API that publishes.
 * Common to Centrifugo and to the server built on its library.
 *
 * Protobuf, not JSON: shorter, and the payload is passed on without quotes being looked for. A WebSocket message holds
 * commands or replies one after another, each after its length (varint).
 */
import { type HttpPublisher, tallyPayloads, type ViewerFace } from "../target.ts";

export const CHANNEL = "room";

/** Fields of `Command` and `Reply` (client.proto): field number << 3 | wire type. */
const COMMAND_ID = (1 << 3) | 0;
const COMMAND_CONNECT = (4 << 3) | 2;
const COMMAND_SUBSCRIBE = (5 << 3) | 2;
const SUBSCRIBE_CHANNEL = (1 << 3) | 2;
const REPLY_SUBSCRIBE = (6 << 3) | 2;

const CONNECT_ID = 1;
const SUBSCRIBE_ID = 2;
/** An empty reply is a ping, an empty command the pong. */
const EMPTY = new Uint8Array([0]);

/** A message or a command with its length in front; all that is sent here is shorter than 128 bytes. */
function sized(...bytes: readonly number[]): number[] {
  return [bytes.length, ...bytes];
}

const channel = sized(SUBSCRIBE_CHANNEL, ...sized(...new TextEncoder().encode(CHANNEL)));
const connect = sized(COMMAND_ID, CONNECT_ID, COMMAND_CONNECT, ...sized());
const subscribe = sized(COMMAND_ID, SUBSCRIBE_ID, COMMAND_SUBSCRIBE, ...channel);

/** Whether one of the replies in a message answers the subscription, and not with an error. */
function isSubscribed(message: Uint8Array): boolean {
  for (let at = 0; at < message.length; ) {
    const length = message[at] ?? 0;
    // Replies to commands are short; what is longer is no reply that is waited for.
    if (length >= 0x80) return false;
    const reply = message.subarray(at + 1, at + 1 + length);
    if (reply[0] === COMMAND_ID && reply[1] === SUBSCRIBE_ID && reply[2] === REPLY_SUBSCRIBE) return true;
    at += 1 + length;
  }
  return false;
}

export const centrifugalViewer: ViewerFace = {
  path: () => "/connection/websocket",
  subprotocol: "centrifuge-protobuf",
  hello: [new Uint8Array([...connect, ...subscribe])],
  isJoined: isSubscribed,
  count: tallyPayloads,
  reply: (message) => (message.length === 1 && message[0] === 0 ? EMPTY : undefined),
};

/** All that is published at once goes in one request, as the documentation of `batch` advises for many of them. */
export const centrifugalPublisher: HttpPublisher = {
  kind: "http",
  encode: (payloads) => [
    {
      method: "POST",
      path: "/api/batch",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ commands: payloads.map((data) => ({ publish: { channel: CHANNEL, data } })) }),
      payloads: payloads.length,
    },
  ],
};
