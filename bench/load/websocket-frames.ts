/** The little of WebSocket (RFC 6455, section 5) that a load generator needs. */
import type { Message } from "../peers/target.ts";

export const OPCODES = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const FIN = 0x80;
const MASKED = 0x80;
const utf8 = new TextEncoder();

/** The request that asks for a WebSocket. */
export function upgradeRequest(
  port: number,
  path: string,
  subprotocol?: string,
  headers: Readonly<Record<string, string>> = {},
): Uint8Array {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: ZGFubWFrdWQtYmVuY2gtLQ==",
    ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return utf8.encode(`${lines.join("\r\n")}\r\n\r\n`);
}

/** A message from a client in one frame. The mask is zero, which is legal and leaves the bytes as they are. */
export function clientFrame(message: Message, opcode?: number): Uint8Array {
  const payload = typeof message === "string" ? utf8.encode(message) : message;
  const { length } = payload;
  const headerBytes = length < 126 ? 2 : length < 0x10000 ? 4 : 10;
  const frame = new Uint8Array(headerBytes + 4 + length);
  frame[0] = FIN | (opcode ?? (typeof message === "string" ? OPCODES.text : OPCODES.binary));
  if (headerBytes === 2) frame[1] = MASKED | length;
  else {
    frame[1] = MASKED | (headerBytes === 4 ? 126 : 127);
    const view = new DataView(frame.buffer);
    if (headerBytes === 4) view.setUint16(2, length);
    else view.setBigUint64(2, BigInt(length));
  }
  frame.set(payload, headerBytes + 4);
  return frame;
}

/** Calls `seen` for every whole frame in [from, to) with where its payload lies; returns where the next one starts. */
export function readFrames(
  bytes: Uint8Array,
  from: number,
  to: number,
  seen: (opcode: number, start: number, end: number) => void,
): number {
  let at = from;
  while (to - at >= 2) {
    const first = bytes[at] as number;
    const short = bytes[at + 1] as number;
    let start = at + 2;
    let length = short;
    if (short === 126) {
      start = at + 4;
      if (start > to) break;
      length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    } else if (short === 127) {
      start = at + 10;
      if (start > to) break;
      length =
        (((bytes[at + 6] as number) << 24) |
          ((bytes[at + 7] as number) << 16) |
          ((bytes[at + 8] as number) << 8) |
          (bytes[at + 9] as number)) >>>
        0;
    }
    if (short >= MASKED) throw new Error("a server masked a frame");
    if (first < FIN || (first & 0x0f) === 0) throw new Error("a server fragmented a message");
    if ((first & 0x40) !== 0) throw new Error("a server compressed a message");
    const end = start + length;
    if (end > to) break;
    seen(first & 0x0f, start, end);
    at = end;
  }
  return at;
}
