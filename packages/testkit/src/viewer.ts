import type {
  ClientRecord,
  DanmakuRecord,
  DeleteRecord,
  ErrorRecord,
  GapRecord,
  HelloRecord,
  PublishRecord,
  ServerRecord,
  StatsRecord,
} from "@danmakud/wire";
import { OffsetCoverage, type ViewerStart } from "./offset-coverage.ts";
import { type CloseInfo, RecordSocket } from "./record-socket.ts";
import {
  addressNow,
  type PublishAnswer,
  type PublishFields,
  type ViewerOptions,
  viewerQuery,
} from "./viewer-options.ts";
import { waitFor, within } from "./wait-for.ts";

const RECONNECT_PAUSE_MS = 60;
/** Ids that a viewer gives out by itself; tests that choose their own stay below. */
const FIRST_ID = 1_000_000;

/**
 * A viewer of one room that records what comes and checks it against the protocol's promises (`faults` stays empty
 * where they are kept). Survives restarts of the node when `reconnect` is set.
 */
export class Viewer {
  readonly danmaku: DanmakuRecord[] = [];
  readonly deletes: DeleteRecord[] = [];
  /** Offsets of every danmaku seen, in order of arrival. */
  readonly offsets: number[] = [];
  readonly hellos: HelloRecord[] = [];
  readonly stats: StatsRecord[] = [];
  /** Errors that answer no publish. */
  readonly errors: ErrorRecord[] = [];
  readonly closes: CloseInfo[] = [];
  readonly coverage = new OffsetCoverage();
  readonly #options: ViewerOptions;
  readonly #frameFaults: string[] = [];
  readonly #answers = new Map<number, (answer: PublishAnswer) => void>();
  readonly #pongs = new Map<number, () => void>();
  #socket: RecordSocket | undefined;
  #id = FIRST_ID;
  #stopped = false;

  constructor(options: ViewerOptions) {
    this.#options = options;
  }

  /** Opens a viewer and waits for its `hello`. */
  static async open(options: ViewerOptions): Promise<Viewer> {
    const viewer = new Viewer(options);
    await viewer.connect();
    return viewer;
  }

  get faults(): readonly string[] {
    return [...this.#frameFaults, ...(this.#socket?.faults ?? []), ...this.coverage.faults];
  }

  get gaps(): readonly GapRecord[] {
    return this.coverage.gaps;
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  get hello(): HelloRecord {
    const last = this.hellos.at(-1);
    if (!last) throw new Error("no hello yet");
    return last;
  }

  /** Connects at the asked start or, on later calls, where the last connection ended; settles with `hello`. */
  async connect(): Promise<HelloRecord> {
    const { url, encoding = "json" } = this.#options;
    const start = this.#startNow();
    const greetings = this.hellos.length;
    this.coverage.connecting(start);
    const socket = new RecordSocket({
      url: `${addressNow(url)}?${viewerQuery(this.#options, start)}`,
      encoding,
      onRecords: (records) => this.#take(records),
      onClose: (info) => this.#lost(socket, info),
    });
    this.#stopped = false;
    this.#socket = socket;
    await socket.opened();
    return await waitFor("hello", () => {
      if (this.#socket !== socket)
        throw new Error(`closed before hello: ${JSON.stringify(this.closes.at(-1))}`);
      return this.hellos.length > greetings && this.hello;
    });
  }

  /** Publishes one danmaku and waits for its `ack` or `error`. */
  async publish(fields: PublishFields): Promise<PublishAnswer> {
    const id = this.#id++;
    return await this.ask({ type: "publish", id, ...fields } as PublishRecord);
  }

  /** Sends a publish as given (whatever its id) and waits for the answer to that id. */
  async ask(record: PublishRecord): Promise<PublishAnswer> {
    const answer = Promise.withResolvers<PublishAnswer>();
    this.#answers.set(record.id, answer.resolve);
    this.send([record]);
    return await within(`an answer to publish ${record.id}`, answer.promise);
  }

  /** Sends a ping and waits for its pong, after which everything sent before has been handled. */
  async ping(): Promise<void> {
    const id = this.#id++;
    const pong = Promise.withResolvers<void>();
    this.#pongs.set(id, pong.resolve);
    this.send([{ type: "ping", id }]);
    await within(`pong ${id}`, pong.promise);
  }

  send(records: readonly ClientRecord[]): void {
    this.#open().send(records);
  }

  /** Sends a frame as it is. */
  sendFrame(frame: string | Uint8Array<ArrayBuffer>): void {
    this.#open().sendFrame(frame);
  }

  /** Waits until everything up to `offset` is accounted for. */
  async reached(offset: number, timeoutMs?: number): Promise<void> {
    await waitFor(
      () =>
        `a viewer to reach ${offset}; it is at ${this.coverage.position}, faults ${this.faults.join("; ")}`,
      () => this.coverage.position >= offset,
      timeoutMs === undefined ? {} : { timeoutMs },
    );
  }

  /** Waits for a danmaku with this content. */
  async saw(content: string): Promise<DanmakuRecord> {
    return await waitFor(`danmaku "${content}"`, () => this.danmaku.find((d) => d.content === content));
  }

  /** Waits for the server (or the network) to end the connection. */
  async ended(): Promise<CloseInfo> {
    return await waitFor("the connection to be closed", () => !this.connected && this.closes.at(-1));
  }

  /** Leaves for good, politely. */
  async close(): Promise<void> {
    this.#stopped = true;
    await this.#socket?.close();
  }

  /** Loses the connection as a network does; does not come back by itself (call `connect`). */
  async drop(): Promise<void> {
    this.#stopped = true;
    await this.#socket?.terminate();
  }

  #open(): RecordSocket {
    if (!this.#socket) throw new Error("the viewer is not connected");
    return this.#socket;
  }

  #startNow(): ViewerStart {
    const { epoch, position } = this.coverage;
    if (epoch !== "" && position >= 0) return { kind: "resume", epoch, after: position };
    return this.#options.start ?? { kind: "head" };
  }

  #take(records: readonly ServerRecord[]): void {
    for (const record of records) this.#takeOne(record);
  }

  #takeOne(record: ServerRecord): void {
    switch (record.type) {
      case "danmaku":
        this.coverage.record(record.offset, record.ts);
        this.offsets.push(record.offset);
        if (this.#options.keep !== false) this.danmaku.push(record);
        this.#options.ledger?.observe(this.coverage.epoch, record);
        return;
      case "delete":
        this.coverage.record(record.offset, undefined);
        this.deletes.push(record);
        return;
      case "gap":
        this.coverage.gap(record);
        return;
      case "hello":
        this.coverage.hello(record);
        this.hellos.push(record);
        return;
      case "ack":
        this.#answer(record.id, record);
        return;
      case "error":
        if (record.id !== undefined && this.#answers.has(record.id)) this.#answer(record.id, record);
        else this.errors.push(record);
        return;
      case "stats":
        this.stats.push(record);
        return;
      case "pong":
        this.#pongs.get(record.id)?.();
        this.#pongs.delete(record.id);
        return;
    }
  }

  #answer(id: number, answer: PublishAnswer): void {
    this.#answers.get(id)?.(answer);
    this.#answers.delete(id);
  }

  #lost(socket: RecordSocket, info: CloseInfo): void {
    this.closes.push(info);
    this.#frameFaults.push(...socket.faults);
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    if (this.#options.reconnect && !this.#stopped) this.#comeBack();
  }

  #comeBack(): void {
    setTimeout(
      () => {
        if (this.#stopped || this.#socket) return;
        this.connect().catch(() => {});
      },
      RECONNECT_PAUSE_MS * (0.5 + Math.random()),
    );
  }
}
