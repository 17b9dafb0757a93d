/** WebSocket frames (RFC 6455, section 5.2) by hand, so that tests can break every rule of them. */

export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface RawFrame {
  /** Last frame of its message. Default true. */
  readonly fin?: boolean;
  readonly opcode: number;
  readonly payload?: string | Uint8Array;
  /** Clients must mask; false breaks that rule. Default true. */
  readonly masked?: boolean;
  /** The three reserved bits, 0–7. Default 0. */
  readonly reserved?: number;
  /** Payload length written into the header, where it should lie. */
  readonly claimedLength?: number;
}

export interface ReceivedFrame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** The bytes of one frame from a client. */
export function encodeFrame(frame: RawFrame): Uint8Array {
  const payload =
    typeof frame.payload === "string"
      ? new TextEncoder().encode(frame.payload)
      : (frame.payload ?? new Uint8Array(0));
  const masked = frame.masked ?? true;
  const header = encodeHeader(frame, frame.claimedLength ?? payload.length, masked);
  if (!masked) return concat([header, payload]);
  const mask = crypto.getRandomValues(new Uint8Array(4));
  const covered = payload.map((byte, at) => byte ^ mask[at & 3]!);
  return concat([header, mask, covered]);
}

function encodeHeader(frame: RawFrame, length: number, masked: boolean): Uint8Array {
  const first = ((frame.fin ?? true) ? 0x80 : 0) | ((frame.reserved ?? 0) << 4) | frame.opcode;
  const maskBit = masked ? 0x80 : 0;
  if (length < 126) return Uint8Array.of(first, maskBit | length);
  if (length < 0x10000) return Uint8Array.of(first, maskBit | 126, length >> 8, length & 0xff);
  const header = new Uint8Array(10);
  header.set([first, maskBit | 127]);
  new DataView(header.buffer).setBigUint64(2, BigInt(length));
  return header;
}

/** Cuts the first whole frame of a server off `bytes`; undefined where it is not complete yet. */
export function decodeFrame(bytes: Uint8Array): { frame: ReceivedFrame; used: number } | undefined {
  if (bytes.length < 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const short = bytes[1]! & 0x7f;
  const headerBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < headerBytes) return undefined;
  const length = short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
  const used = headerBytes + length;
  if (bytes.length < used) return undefined;
  const first = bytes[0]!;
  const frame = { fin: first >= 0x80, opcode: first & 0x0f, payload: bytes.slice(headerBytes, used) };
  return { frame, used };
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
