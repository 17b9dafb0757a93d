import { RawSocket } from "./raw-socket.ts";
import { waitFor } from "./wait-for.ts";

export interface RawRequest {
  /** Default GET. */
  readonly method?: string;
  /** Path and query as they go on the wire; nothing is escaped or tidied. */
  readonly path: string;
  /** Sent as they are; `Host: 127.0.0.1:port` is added where there is none. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly timeoutMs?: number;
}

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Head of an HTTP/1.1 request, without touching anything a client library would set, tidy or forbid. */
export function requestHead(port: number, request: RawRequest): string {
  const headers: Record<string, string> = { ...request.headers };
  const has = (name: string) => Object.keys(headers).some((key) => key.toLowerCase() === name);
  if (!has("host")) headers.Host = `127.0.0.1:${port}`;
  if (request.body !== undefined && !has("content-length") && !has("transfer-encoding")) {
    headers["Content-Length"] = String(Buffer.byteLength(request.body));
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${request.method ?? "GET"} ${request.path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** One request on a connection of its own. Rejects where the server ends it without a whole answer. */
export async function rawHttp(port: number, request: RawRequest): Promise<RawAnswer> {
  const socket = await RawSocket.open(port);
  socket.write(requestHead(port, request));
  if (request.body !== undefined) socket.write(request.body);
  try {
    return await readAnswer(socket, request.timeoutMs);
  } finally {
    socket.destroy();
  }
}

/** Waits for a whole answer on the connection and takes it out. An answer without a length ends with the connection. */
export async function readAnswer(socket: RawSocket, timeoutMs?: number): Promise<RawAnswer> {
  const outcome = await waitFor(
    () => `an HTTP answer; so far ${JSON.stringify(socket.text().slice(0, 200))}`,
    () => {
      const { ended } = socket;
      return parseAnswer(socket) ?? (ended && "missing");
    },
    timeoutMs === undefined ? {} : { timeoutMs },
  );
  if (outcome === "missing") throw new AnswerMissing(socket.text());
  return outcome;
}

/** The connection ended before a whole answer had come. */
export class AnswerMissing extends Error {
  constructor(soFar: string) {
    super(`the connection ended without a whole answer: ${JSON.stringify(soFar.slice(0, 200))}`);
    this.name = "AnswerMissing";
  }
}

function parseAnswer(socket: RawSocket): RawAnswer | undefined {
  const bytes = Buffer.from(socket.peek());
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [statusLine = "", ...lines] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const status = Number(statusLine.split(" ")[1]);
  const rest = bytes.subarray(headEnd + 4);
  const body = readBody(rest, headers, status, socket.ended);
  if (!body) return undefined;
  socket.consume(headEnd + 4 + body.used);
  return { status, headers, body: body.text };
}

function readBody(rest: Buffer, headers: Record<string, string>, status: number, ended: boolean) {
  if (status === 101 || status === 204 || status === 304) return { text: "", used: 0 };
  if (headers["transfer-encoding"] === "chunked") return readChunks(rest);
  const length = headers["content-length"];
  if (length === undefined) return ended ? { text: rest.toString(), used: rest.length } : undefined;
  const used = Number(length);
  return rest.length < used ? undefined : { text: rest.subarray(0, used).toString(), used };
}

function readChunks(rest: Buffer): { text: string; used: number } | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString(), 16);
    const start = lineEnd + 2;
    if (rest.length < start + size + 2) return undefined;
    parts.push(rest.subarray(start, start + size));
    at = start + size + 2;
    if (size === 0) return { text: Buffer.concat(parts).toString(), used: at };
  }
}
