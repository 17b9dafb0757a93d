/** A node in miniature on a real port: rooms, resume, acks and keys as the protocol has them, and no more than that. */
import {
  type ClientMessage,
  type DanmakuRecord,
  encodeRecord,
  errorRecord,
  formatColor,
  MODES,
  parseClientText,
  parseClientTlv,
  type ServerRecord,
} from "@danmakud/wire";
import type { Server, ServerWebSocket } from "bun";

interface Visitor {
  readonly room: string;
  readonly query: URLSearchParams;
  readonly tlv: boolean;
  readonly protocols: readonly string[];
}

type Socket = ServerWebSocket<Visitor>;
type Publish = Extract<ClientMessage, { kind: "publish" }>;

export class RoomServer {
  epoch = "e1";
  readonly log: DanmakuRecord[] = [];
  readonly sockets = new Set<Socket>();
  /** Of every connection so far. */
  readonly visitors: Visitor[] = [];
  readonly publishes: Publish[] = [];
  /** `ping` records so far. */
  pings = 0;
  /** Decides what becomes of a publish: a record as the answer, `silent`, or the log (undefined). */
  onPublish: (publish: Publish, socket: Socket) => ServerRecord | "silent" | undefined = () => undefined;
  /** Called before `hello`; true = the upgrade is followed by nothing. */
  onOpen: (socket: Socket) => boolean = () => false;
  readonly #keys = new Map<string, number>();
  #server: Server<Visitor>;
  readonly #port: number;

  constructor() {
    this.#server = this.#listen(0);
    this.#port = this.#server.port ?? 0;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  get head(): number {
    return this.log.at(-1)?.offset ?? 0;
  }

  /** Cuts every connection, as a crash does, and listens again on the same port when `meanwhile` is done. */
  async restart(meanwhile: () => void | Promise<void> = () => {}): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    this.sockets.clear();
    await this.#server.stop(true);
    await meanwhile();
    this.#server = this.#listen(this.#port);
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  /** Puts a danmaku into the log and, unless `quiet`, before everybody. */
  publish(content: string, quiet = false): DanmakuRecord {
    const record: DanmakuRecord = {
      type: "danmaku",
      offset: this.head + 1,
      ts: 1_700_000_000_000 + this.head,
      uid: "u1",
      content,
      mode: "scroll",
      color: "#ffffff",
      size: 25,
      class: "normal",
    };
    this.log.push(record);
    if (!quiet) this.broadcast(record);
    return record;
  }

  broadcast(...records: ServerRecord[]): void {
    for (const socket of this.sockets) send(socket, records);
  }

  #listen(port: number): Server<Visitor> {
    return Bun.serve<Visitor>({
      port,
      hostname: "127.0.0.1",
      fetch: (request, server) => {
        const url = new URL(request.url);
        const room = /^\/v1\/rooms\/([^/]+)\/ws$/.exec(url.pathname)?.[1];
        const protocols = (request.headers.get("sec-websocket-protocol") ?? "").split(/,\s*/);
        if (room === undefined) return new Response(null, { status: 404 });
        const data = { room, query: url.searchParams, tlv: protocols[0] === "danmaku.tlv.v1", protocols };
        const headers = { "Sec-WebSocket-Protocol": protocols[0] ?? "" };
        return server.upgrade(request, { data, headers }) ? undefined : new Response(null, { status: 400 });
      },
      websocket: {
        open: (socket) => this.#open(socket),
        close: (socket) => {
          this.sockets.delete(socket);
        },
        message: (socket, data) => {
          const messages =
            typeof data === "string" ? parseClientText(data, "service") : parseClientTlv(data, "service");
          for (const message of messages) this.#answer(socket, message);
        },
      },
    });
  }

  #open(socket: Socket): void {
    const { query, room } = socket.data;
    this.visitors.push(socket.data);
    if (this.onOpen(socket)) return;
    this.sockets.add(socket);
    const after = Number(query.get("after") ?? Number.NaN);
    const resumed = query.get("epoch") === this.epoch && after <= this.head;
    const first = resumed ? after : this.head - Number(query.get("last") ?? 0);
    send(socket, [
      {
        type: "hello",
        room,
        epoch: this.epoch,
        head: this.head,
        resumed,
        uid: query.get("uid") ?? "guest",
        serverTime: 1_700_000_000_000,
      },
      ...this.log.filter(({ offset }) => offset > first),
    ]);
  }

  #answer(socket: Socket, message: ClientMessage): void {
    if (message.kind === "ping") {
      this.pings++;
      send(socket, [{ type: "pong", id: message.id }]);
      return;
    }
    if (message.kind === "invalid") {
      send(socket, [errorRecord(message.error, message.id)]);
      return;
    }
    this.publishes.push(message);
    const answer = this.onPublish(message, socket);
    if (answer !== undefined) {
      if (answer !== "silent") send(socket, [answer]);
      return;
    }
    send(socket, [{ type: "ack", id: message.id, offset: this.take(message.draft) }]);
  }

  /** Publishes a draft, or finds the one with its key. Returns the offset. */
  take(draft: Publish["draft"]): number {
    const known = draft.key === undefined ? undefined : this.#keys.get(draft.key);
    if (known !== undefined) return known;
    const record = this.publish(draft.content, true);
    Object.assign(record, { mode: MODES[draft.mode], color: formatColor(draft.color), size: draft.size });
    if (draft.uid !== undefined) Object.assign(record, { uid: draft.uid });
    this.broadcast(record);
    if (draft.key !== undefined) this.#keys.set(draft.key, record.offset);
    return record.offset;
  }
}

function send(socket: Socket, records: readonly ServerRecord[]): void {
  if (!socket.data.tlv) {
    socket.send(JSON.stringify(records));
    return;
  }
  const bytes = new Uint8Array(1 << 20);
  let end = 0;
  for (const record of records) end = encodeRecord(record, bytes, end);
  socket.send(bytes.subarray(0, end));
}
