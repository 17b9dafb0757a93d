import {
  closeCodeRetryable,
  DanmakuError,
  type DanmakuRecord,
  type ErrorCode,
  type ServerRecord,
} from "@danmakud/wire";
import { backoffMs, drainingWaitMs } from "./backoff.ts";
import { Connection } from "./connection.ts";
import { Cursor } from "./cursor.ts";
import { Emitter } from "./emitter.ts";
import { STABLE_AFTER_MS } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import type {
  ClientOptions,
  Message,
  RoomEvents,
  RoomOptions,
  RoomPosition,
  RoomState,
  Sent,
  StateChange,
  WebSocketConstructor,
} from "./types.ts";

/** The refusal that a final close code stands for. Any other is a protocol error. */
const FINAL_CLOSES: Readonly<Record<number, ErrorCode>> = {
  1009: "too_large",
  4500: "unauthorized",
  4501: "banned",
  4503: "room_closed",
};

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
  readonly #outbox = new Outbox();
  readonly #cursor: Cursor;
  #state: RoomState = "connecting";
  #connection: Connection | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  /** Why the room is done for good. */
  #ended: DanmakuError | undefined;
  #uid: string | undefined;
  /** Connections that have ended so far. */
  #losses = 0;
  /** Tries since the last connection that was stable. */
  #attempt = 0;
  #connectedAt = 0;

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

  get state(): RoomState {
    return this.#state;
  }

  /** Where the room stands; to be given to `DanmakuClient.room` at a later visit. Undefined before the first `hello`. */
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
   * Publishes. While disconnected the message waits; after a loss it is sent again with its key, never twice into the
   * room. Resolves when the message is as durable as the node is configured.
   * @throws DanmakuError the server's refusal (with `retryAfterMs` where it says when); `overloaded` when too many
   * wait; `unavailable` when no answer came in time, which means *unknown*: try again with the same `key`.
   */
  send(message: Message): Promise<Sent> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return this.#outbox.add(message, (record) => {
      if (this.#state === "connected") this.#connection?.send(record);
    });
  }

  /** Leaves for good. Sends without an answer are rejected with `unavailable`. */
  leave(): void {
    if (this.#ended !== undefined) return;
    this.#connection?.close();
    this.#end(new DanmakuError("unavailable", "the room was left"), {});
    this.#emitter.clear();
  }

  async #connect(): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#change({ state: "connecting" });
    const { uid, role, encoding, getToken, WebSocket: WebSocketClass } = this.#options;
    const query = new URLSearchParams();
    if (uid !== undefined) query.set("uid", uid);
    if (role !== undefined) query.set("role", role);
    this.#cursor.ask(query);
    try {
      const token = await getToken?.();
      if (this.#ended !== undefined) return;
      const SocketClass: WebSocketConstructor = WebSocketClass ?? WebSocket;
      const connection = new Connection(
        SocketClass,
        `${this.#address}?${query}`,
        token,
        encoding !== "json",
        {
          onRecords: (records) => this.#receive(records, connection),
          onClosed: (code, reason) => this.#lost(code, reason),
        },
      );
      this.#connection = connection;
    } catch (cause) {
      // A token that could not be fetched is a lost connection like any other: the next try may succeed.
      this.#lost(1006, cause instanceof Error ? cause.message : String(cause));
    }
  }

  #receive(records: readonly ServerRecord[], from: Connection): void {
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
      this.#receiveOther(record);
    }
    if (this.#connection === from) flush();
  }

  #receiveOther(record: Exclude<ServerRecord, DanmakuRecord>): void {
    switch (record.type) {
      case "hello": {
        const resuming = this.#cursor.position !== undefined;
        this.#uid = record.uid;
        this.#cursor.hello(record);
        this.#emitter.emit("joined", record);
        if (this.#state === "connected") return; // a new epoch on an open connection
        this.#connectedAt = Date.now();
        this.#change(resuming ? { state: "connected", resumed: record.resumed } : { state: "connected" });
        this.#outbox.sendAll((publish) => this.#connection?.send(publish));
        return;
      }
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
        const { retryAfterMs } = record;
        const error = new DanmakuError(
          record.code,
          record.message,
          retryAfterMs === undefined ? {} : { retryAfterMs },
        );
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
    if (!closeCodeRetryable(code)) {
      const error = new DanmakuError(
        FINAL_CLOSES[code] ?? "invalid_message",
        reason || `closed with ${code}`,
      );
      this.#emitter.emit("error", error);
      this.#end(error, { code, reason });
      return;
    }
    // A draining server has already spread its viewers over time, and has told them when it will be back.
    const retryInMs = drainingWaitMs(reason) ?? backoffMs(this.#attempt++, Math.random());
    this.#retryTimer = setTimeout(() => this.#connect(), retryInMs);
    this.#change({ state: "disconnected", code, reason, retryInMs });
    this.#losses++;
  }

  #end(error: DanmakuError, change: Partial<StateChange>): void {
    this.#ended = error;
    this.#connection = undefined;
    clearTimeout(this.#retryTimer);
    this.#outbox.rejectAll(error);
    this.#onLeft(this);
    this.#change({ ...change, state: "disconnected" });
  }

  #change(change: Omit<StateChange, "reconnect">): void {
    this.#state = change.state;
    this.#emitter.emit("state", { reconnect: this.#losses > 0, ...change });
  }
}
