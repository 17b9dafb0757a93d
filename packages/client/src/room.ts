import {
  CLOSE_CODES,
  CLOSE_MESSAGE_TOO_BIG,
  closeCodeRetryable,
  DanmakuError,
  type DanmakuRecord,
  ERROR_CODES,
  type ErrorCode,
  type HelloRecord,
  type Message,
  type ServerRecord,
} from "@danmakud/wire";
import { backoffMs, serverWaitMs } from "./backoff.ts";
import { Connection } from "./connection.ts";
import { Cursor } from "./cursor.ts";
import { Emitter } from "./emitter.ts";
import { openEventStream } from "./event-stream-link.ts";
import { BLOCKED_AFTER, PING_AFTER_MS, STABLE_AFTER_MS, STREAM_MS_MAX } from "./limits.ts";
import { closeCodeOf, type LinkHandlers, messageOf, NO_CLOSE_FRAME } from "./link.ts";
import { Outbox } from "./outbox.ts";
import { renewInMs } from "./token.ts";
import type {
  ClientOptions,
  RoomEvents,
  RoomOptions,
  RoomPosition,
  RoomState,
  Sent,
  StateChange,
} from "./types.ts";
import { onWake } from "./wake.ts";
import { openWebSocket } from "./websocket-link.ts";

/**
 * One room, kept open: connects, resumes where it was after every loss, and drops what it has seen before. Made by
 * `DanmakuClient.room`; connects on its own right after, so that listeners may still be added.
 */
export class Room {
  readonly id: string;
  readonly #address: string;
  readonly #options: ClientOptions;
  readonly #onLeft: (room: Room) => void;
  readonly #emitter = new Emitter<RoomEvents>();
  readonly #outbox = new Outbox((record) => {
    if (this.#state === "connected") this.#connection?.send(record);
  });
  readonly #cursor: Cursor;
  readonly #unhookWake = onWake(() => this.#wake());
  #state: RoomState = "connecting";
  #connection: Connection | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  /** The wait is the server's wish: nothing cuts it short. */
  #isToldToWait = false;
  /** Why the room is done for good. */
  #ended: DanmakuError | undefined;
  #uid: string | undefined;
  /** Connections that have ended so far. */
  #losses = 0;
  /** Tries since the last connection that was stable. */
  #attempt = 0;
  #connectedAt = 0;
  /** WebSockets in a row that failed without a record. */
  #blocked = 0;
  #token: string | undefined;
  /** The token given last was refused. */
  #refused = false;
  #renewTimer: ReturnType<typeof setTimeout> | undefined;

  /** @internal */
  constructor(
    address: string,
    id: string,
    options: ClientOptions,
    start: RoomOptions,
    onLeft: (room: Room) => void,
  ) {
    this.id = id;
    this.#address = address;
    this.#options = options;
    this.#onLeft = onLeft;
    this.#cursor = new Cursor(start.position, start.last ?? 0);
    queueMicrotask(() => this.#connect());
  }

  /** What `state` events tell, now. */
  get state(): RoomState {
    return this.#state;
  }

  /**
   * Where the room stands; to be given to `DanmakuClient.room` at a later visit. Undefined before the first `hello`; in
   * listeners of `joined` it is where delivery starts.
   */
  get position(): RoomPosition | undefined {
    return this.#cursor.position;
  }

  /** Who the server says one is. Undefined before the first `hello`. */
  get uid(): string | undefined {
    return this.#uid;
  }

  /** Listens to an event. @returns a function that stops listening. */
  on<Name extends keyof RoomEvents>(name: Name, listener: (event: RoomEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  /**
   * Publishes. While disconnected the message waits, at most 30 s and with at most 1,000 others. It is sent again with its
   * key after a loss, or when the server did not know what became of it, and never comes into the room twice. Resolves when
   * it is as durable as the node is configured.
   * @throws DanmakuError the server's refusal (with `retryAfterMs` where it says when); `overloaded` when too many
   * wait; `unavailable` when no answer came in time, which means *unknown*: try again with the same `key`.
   */
  send(message: Message): Promise<Sent> {
    return this.#ended === undefined ? this.#outbox.add(message) : Promise.reject(this.#ended);
  }

  /** Leaves for good. Sends without an answer are rejected with `unavailable`. */
  leave(): void {
    if (this.#ended !== undefined) return;
    this.#connection?.close();
    this.#end(new DanmakuError("unavailable", "the room was left"), {});
    this.#emitter.clear();
  }

  /** Makes a connection, with a token that is asked for unless one is given. */
  async #connect(given?: string): Promise<void> {
    this.#change({ state: "connecting" });
    let token = given;
    try {
      token ??= await this.#options.getToken?.({ refused: this.#refused });
    } catch (cause) {
      // A token that could not be fetched is a lost connection like any other: the next try may succeed.
      this.#lost(NO_CLOSE_FRAME, messageOf(cause));
      return;
    }
    if (this.#ended !== undefined) return;
    this.#token = token;
    const { transport, WebSocket: SocketClass = globalThis.WebSocket } = this.#options;
    this.#open(transport === "sse" || (transport !== "websocket" && SocketClass === undefined));
  }

  #open(isStream: boolean): void {
    const { uid, role, encoding, transport, pingAfterMs = PING_AFTER_MS } = this.#options;
    const token = this.#token;
    const who = new URLSearchParams();
    if (uid !== undefined) who.set("uid", uid);
    if (role !== undefined) who.set("role", role);
    const start = new URLSearchParams(who);
    this.#cursor.ask(start);
    const open = (handlers: LinkHandlers) =>
      isStream
        ? openEventStream(this.#address, start, who, token, handlers)
        : openWebSocket(
            this.#options.WebSocket ?? WebSocket,
            `${this.#address.replace("http", "ws")}/ws?${start}`,
            token,
            encoding !== "json",
            handlers,
          );
    const onClosed = (code: number, reason: string): void => {
      // An event stream that gets through at the moment when a WebSocket does not: that is no outage.
      const isSilent = code === NO_CLOSE_FRAME && this.#state === "connecting" && !isStream;
      if (isSilent && transport !== "websocket" && ++this.#blocked >= BLOCKED_AFTER) this.#open(true);
      else this.#lost(code, reason);
    };
    try {
      const connection = new Connection(
        open,
        {
          onRecords: (records) => this.#receive(records, connection, isStream),
          onClosed,
        },
        pingAfterMs,
      );
      this.#connection = connection;
    } catch (cause) {
      // A WebSocket that may not even be tried, as one without TLS from a page with it.
      onClosed(NO_CLOSE_FRAME, messageOf(cause));
    }
  }

  #receive(records: readonly ServerRecord[], from: Connection, isStream: boolean): void {
    let batch: DanmakuRecord[] = [];
    const flush = (): void => {
      if (batch.length > 0) this.#emitter.emit("batch", batch);
      batch = [];
    };
    for (const record of records) {
      if (this.#connection !== from) return; // a listener has left the room
      if (record.type === "danmaku") {
        if (!this.#cursor.advance(record.offset)) continue;
        batch.push(record);
        this.#emitter.emit("message", record);
        continue;
      }
      // A batch is given before what follows it: a `delete` must find its danmaku drawn.
      flush();
      if (record.type === "hello") this.#joined(record, isStream);
      else this.#receiveOther(record);
    }
    if (this.#connection === from) flush();
  }

  #joined(hello: HelloRecord, isStream: boolean): void {
    const resuming = this.#cursor.position !== undefined;
    this.#uid = hello.uid;
    this.#cursor.hello(hello);
    this.#emitter.emit("joined", hello);
    if (this.#state === "connected") return; // a new epoch on an open connection
    this.#connectedAt = Date.now();
    this.#refused = false;
    if (!isStream) this.#blocked = 0;
    const tokenMs = renewInMs(this.#token, hello.serverTime);
    const renewMs = this.#blocked > 0 ? Math.min(tokenMs ?? STREAM_MS_MAX, STREAM_MS_MAX) : tokenMs;
    if (renewMs !== undefined) this.#renewTimer = setTimeout(() => this.#renew(this.#connection), renewMs);
    this.#change({
      state: "connected",
      transport: isStream ? "sse" : "websocket",
      ...(resuming && { resumed: hello.resumed }),
    });
    this.#outbox.sendAll();
  }

  #receiveOther(record: Exclude<ServerRecord, DanmakuRecord | HelloRecord>): void {
    switch (record.type) {
      case "delete":
        if (this.#cursor.advance(record.offset)) this.#emitter.emit("deleted", record);
        return;
      case "gap":
        if (this.#cursor.advance(record.to)) this.#emitter.emit("gap", record);
        return;
      case "ack":
        this.#outbox.acked(record.id, record.offset);
        return;
      case "error": {
        const { code, message, retryAfterMs } = record;
        const error = new DanmakuError(code, message, { retryAfterMs });
        if (!this.#outbox.refused(record, error)) this.#emitter.emit("error", error);
        return;
      }
      case "stats":
        this.#emitter.emit("stats", record);
    }
  }

  #lost(code: number, reason: string): void {
    if (this.#state === "connected" && Date.now() - this.#connectedAt >= STABLE_AFTER_MS) this.#attempt = 0;
    this.#connection = undefined;
    clearTimeout(this.#renewTimer);
    const mayRenew =
      code === CLOSE_CODES.unauthorized && this.#options.getToken !== undefined && !this.#refused;
    if (!mayRenew && !closeCodeRetryable(code)) {
      const error = new DanmakuError(refusalOf(code), reason || `closed with ${code}`);
      this.#emitter.emit("error", error);
      this.#end(error, { code, reason });
      return;
    }
    this.#refused = mayRenew;
    const toldMs = serverWaitMs(reason);
    this.#isToldToWait = toldMs !== undefined;
    // A draining server has spread its viewers over time; any other tells all of them the same.
    const retryInMs =
      toldMs !== undefined && code === CLOSE_CODES.draining
        ? toldMs
        : (toldMs ?? 0) + backoffMs(this.#attempt++, Math.random());
    this.#retryTimer = setTimeout(() => this.#connect(), retryInMs);
    this.#change({ state: "disconnected", code, reason, retryInMs });
    this.#losses++;
  }

  /** The network is back, or somebody looks again. */
  #wake(): void {
    if (this.#state !== "disconnected") {
      this.#connection?.check();
    } else if (!this.#isToldToWait) {
      clearTimeout(this.#retryTimer);
      void this.#connect();
    }
  }

  /** Goes over to a new token while the old one still holds, or tries WebSocket again; the resume leaves no hole. */
  async #renew(from: Connection | undefined): Promise<void> {
    let token: string | undefined;
    try {
      token = await this.#options.getToken?.({ refused: false });
    } catch {
      // The server will refuse the old one when its time is up, and then another is asked for.
    }
    const isNew = token !== undefined && token !== this.#token;
    if (from === undefined || this.#connection !== from || !(isNew || this.#blocked > 0)) return;
    from.close();
    this.#connection = undefined;
    this.#losses++;
    void this.#connect(token ?? this.#token);
  }

  #end(error: DanmakuError, change: Partial<StateChange>): void {
    this.#ended = error;
    this.#connection = undefined;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#renewTimer);
    this.#unhookWake();
    this.#outbox.rejectAll(error);
    this.#onLeft(this);
    this.#change({ ...change, state: "disconnected" });
  }

  #change(change: Omit<StateChange, "reconnect">): void {
    this.#state = change.state;
    this.#emitter.emit("state", { reconnect: this.#losses > 0, ...change });
  }
}

/** The refusal that a final close code stands for. */
function refusalOf(closeCode: number): ErrorCode {
  if (closeCode === CLOSE_MESSAGE_TOO_BIG) return "too_large";
  for (const code of ERROR_CODES) if (closeCodeOf(code) === closeCode) return code;
  return "invalid_message";
}
