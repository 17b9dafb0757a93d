/** For tests: the HTTP face on a real port, over rooms that are plain arrays. */
import {
  checkAnnounce,
  checkModerate,
  checkPublish,
  checkSanctionList,
  publishClass,
  publishName,
  publishUid,
} from "@danmakud/core/policy";
import {
  type Sanction,
  type SanctionKind,
  type ScheduledDanmaku,
  SITE,
  UNTIL_LIFTED,
} from "@danmakud/core/ports";
import {
  type Encoding,
  type HistoryPage,
  type HistoryQuery,
  type Hub,
  type Principal,
  type PublishOutcome,
  ROOM_SETTINGS_DEFAULT,
  type RoomInfo,
  type RoomSettings,
  type SanctionOrder,
  type SettingsPatch,
  type StartPosition,
  type ViewerId,
  type ViewerSink,
} from "@danmakud/core/rooms";
import { ThreadTimers, TimedCalls } from "@danmakud/core/timing";
import {
  CLASSES,
  DanmakuError,
  type Draft,
  encodeDanmaku,
  patchLogRecord,
  recordToJson,
} from "@danmakud/wire";
import { DevSignIn } from "../../auth/index.ts";
import type { HttpDependencies, HttpOptions } from "./context.ts";
import { createHttpHandler } from "./create-http-handler.ts";

export const EPOCH = "e1";
export const TS = 1_700_000_000_000;

interface FakeViewer {
  readonly room: string;
  readonly who: Principal;
  readonly start: StartPosition;
  readonly encoding: Encoding;
  readonly sink: ViewerSink;
}

/** Rooms in memory. What a test wants to go wrong, it sets on the public fields. */
export class FakeHub implements Hub {
  readonly rooms = new Map<string, Uint8Array[]>();
  readonly settings = new Map<string, RoomSettings>();
  readonly viewers = new Map<ViewerId, FakeViewer>();
  readonly left: ViewerId[] = [];
  readonly drainedCalls: ViewerId[] = [];
  readonly published: { room: string; who: Principal; draft: Draft }[] = [];
  readonly waiting: ScheduledDanmaku[] = [];
  readonly held = new Map<string, Sanction>();
  /** Every publish is answered with this. */
  refusal: DanmakuError | undefined;
  /** Every call but `join` throws this. */
  failure: unknown;
  /** Every join is refused with this. */
  joinRefusal: { code: number; reason: string } | undefined;
  /** A join is answered at once, or by the test through the sink. */
  silentJoin = false;
  #viewers = 0;
  readonly #keys = new Map<string, PublishOutcome>();

  join(room: string, who: Principal, start: StartPosition, encoding: Encoding, sink: ViewerSink): ViewerId {
    const viewer = ++this.#viewers;
    this.viewers.set(viewer, { room, who, start, encoding, sink });
    if (this.joinRefusal !== undefined) {
      sink.close(this.joinRefusal.code, this.joinRefusal.reason);
      return viewer;
    }
    if (this.silentJoin) return viewer;
    const records = this.#open(room);
    const from = cursorOf(start, records.length);
    sink.send(
      `id: ${EPOCH}:${from}\ndata: {"type":"hello","room":"${room}","head":${records.length},"uid":"${who.uid}"}\n\n`,
    );
    for (let i = from; i < records.length; i++) sink.send(this.eventOf(room, i + 1));
    return viewer;
  }

  receive(): void {}

  heard(): void {}

  drained(viewer: ViewerId): void {
    this.drainedCalls.push(viewer);
  }

  leave(viewer: ViewerId): void {
    this.left.push(viewer);
    this.viewers.delete(viewer);
  }

  async publish(room: string, who: Principal, drafts: readonly Draft[]): Promise<readonly PublishOutcome[]> {
    this.#fail();
    return drafts.map((draft) => this.#publishOne(room, who, draft));
  }

  async announce(room: string, who: Principal, draft: Draft): Promise<PublishOutcome> {
    this.#fail();
    const refusal = checkAnnounce(who);
    if (refusal !== undefined) throw refusal;
    return this.#publishOne(room, who, { ...draft, class: CLASSES.indexOf("system") });
  }

  async scheduled(
    room: string,
    who: Principal,
    after: { readonly deliverAt: number; readonly number: number },
    limit: number,
  ): Promise<readonly ScheduledDanmaku[]> {
    this.#fail();
    const refusal = checkAnnounce(who);
    if (refusal !== undefined) throw refusal;
    return this.waiting.filter((one) => one.room === room && one.deliverAt > after.deliverAt).slice(0, limit);
  }

  async unschedule(room: string, who: Principal, number: number): Promise<void> {
    this.#fail();
    const refusal = checkAnnounce(who);
    if (refusal !== undefined) throw refusal;
    const at = this.waiting.findIndex((one) => one.room === room && one.number === number);
    if (at < 0) throw new DanmakuError("not_found", "nothing is scheduled");
    this.waiting.splice(at, 1);
  }

  async sanction(who: Principal, { kind, room, uid, lastsMs }: SanctionOrder): Promise<Sanction> {
    this.#fail();
    const forbidden = checkModerate(who, uid, room === SITE);
    if (forbidden !== undefined) throw forbidden;
    const key = `${room} ${kind} ${uid}`;
    const until = Number.isFinite(lastsMs) ? TS + lastsMs : UNTIL_LIFTED;
    const sanction = { kind, room, uid, until, since: TS, by: who.uid };
    if (lastsMs === 0) this.held.delete(key);
    else this.held.set(key, sanction);
    return sanction;
  }

  async sanctions(
    room: string,
    kind: SanctionKind,
    who: Principal,
    after: string,
    limit: number,
  ): Promise<readonly Sanction[]> {
    this.#fail();
    const forbidden = checkSanctionList(who, room === SITE);
    if (forbidden !== undefined) throw forbidden;
    const found = [...this.held.values()].filter(
      (one) => one.room === room && one.kind === kind && one.uid > after,
    );
    return found.sort((a, b) => (a.uid < b.uid ? -1 : 1)).slice(0, limit);
  }

  async refuseBanned(room: string, { uid }: Principal): Promise<void> {
    if (this.held.has(`${room} ban ${uid}`)) throw new DanmakuError("banned", "banned");
  }

  async describe(room: string): Promise<RoomInfo | undefined> {
    this.#fail();
    const records = this.rooms.get(room);
    return records && this.#info(room, records.length);
  }

  async configure(room: string, _who: Principal, patch: SettingsPatch): Promise<RoomSettings> {
    this.#fail();
    if (this.refusal !== undefined) throw this.refusal;
    this.#open(room);
    const settings = { ...(this.settings.get(room) ?? ROOM_SETTINGS_DEFAULT), ...patch };
    this.settings.set(room, settings);
    return settings;
  }

  async history(room: string, query: HistoryQuery): Promise<HistoryPage | undefined> {
    this.#fail();
    const records = this.rooms.get(room);
    if (records === undefined) return undefined;
    const page =
      "last" in query
        ? records.slice(records.length - Math.min(query.last, records.length))
        : records.slice(query.after, query.after + query.limit);
    return { epoch: EPOCH, head: records.length, bytes: new Uint8Array(Buffer.concat(page)) };
  }

  async list(
    after: string,
    limit: number,
  ): Promise<{ readonly rooms: readonly RoomInfo[]; readonly next?: string }> {
    this.#fail();
    const names = [...this.rooms.keys()].sort().filter((name) => name > after);
    const page = names.slice(0, limit);
    const rooms = page.map((room) => this.#info(room, 0));
    return names.length > limit ? { rooms, next: page.at(-1) ?? "" } : { rooms };
  }

  /** The event of a stored danmaku. */
  eventOf(room: string, offset: number): string {
    const bytes = this.rooms.get(room)?.[offset - 1] ?? new Uint8Array();
    return `id: ${EPOCH}:${offset}\ndata: ${recordToJson(bytes, 0)}\n\n`;
  }

  #info(room: string, head: number): RoomInfo {
    const settings = this.settings.get(room) ?? ROOM_SETTINGS_DEFAULT;
    return { room, epoch: EPOCH, head, online: this.viewers.size, rate: 0.5, sampledRate: 0.25, settings };
  }

  #open(room: string): Uint8Array[] {
    const records = this.rooms.get(room) ?? [];
    this.rooms.set(room, records);
    return records;
  }

  #publishOne(room: string, who: Principal, draft: Draft): PublishOutcome {
    const refusal = this.refusal ?? checkPublish(who, draft);
    if (refusal !== undefined) return { error: refusal };
    const uid = publishUid(who, draft);
    const keyed = draft.key === undefined ? undefined : `${room}/${uid}/${draft.key}`;
    const known = keyed === undefined ? undefined : this.#keys.get(keyed);
    if (known !== undefined) return known;
    this.published.push({ room, who, draft });
    const records = this.#open(room);
    const name = publishName(who, draft);
    const bytes = new Uint8Array(4096);
    const { content, mode, color, size, attrs } = draft;
    const end = encodeDanmaku(bytes, 0, {
      uid,
      content,
      mode,
      color,
      size,
      class: publishClass(who, draft),
      ...(name === undefined ? {} : { name }),
      ...(attrs === undefined ? {} : { attrs }),
    });
    const offset = records.length + 1;
    patchLogRecord(bytes, 0, offset, TS);
    records.push(bytes.slice(0, end));
    const outcome = { offset, ts: TS, epoch: EPOCH };
    if (keyed !== undefined) this.#keys.set(keyed, outcome);
    return outcome;
  }

  #fail(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

function cursorOf(start: StartPosition, head: number): number {
  if (start.kind === "last") return Math.max(0, head - start.records);
  return start.kind === "resume" && start.epoch === EPOCH && start.after <= head ? start.after : head;
}

/** The face on a free port of 127.0.0.1. */
export interface FaceUnderTest {
  readonly hub: FakeHub;
  readonly url: string;
  readonly port: number;
  /** Faults of our own that were logged. */
  readonly logged: Readonly<Record<string, unknown>>[];
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>;
  /** Posts JSON to room `r` as `u1`. */
  readonly post: (body: unknown, query?: string, headers?: Record<string, string>) => Promise<Response>;
  /** Requests that the server has not done with. */
  readonly pending: () => number;
  readonly stop: () => Promise<void>;
}

/** As often as a thread turns at least. */
const BEAT_MS = 200;

export function serveFace(
  options: Partial<HttpOptions> = {},
  dependencies: Partial<Omit<HttpDependencies, "options" | "hub">> = {},
): FaceUnderTest {
  const hub = new FakeHub();
  const logged: Readonly<Record<string, unknown>>[] = [];
  const timers = new ThreadTimers(performance.now());
  const beat = setInterval(() => timers.turn(performance.now()), BEAT_MS);
  const handler = createHttpHandler({
    hub,
    timers: new TimedCalls(timers, { now: () => Date.now(), monotonic: () => performance.now() }),
    auth: new DevSignIn(),
    log: { error: (fields) => logged.push(fields) },
    options: { dev: true, insecureOpen: false, allowOrigin: [], contentMax: 200, ...options },
    ...dependencies,
  });
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request, bun) => handler(request, bun),
  });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    hub,
    url,
    port: server.port ?? 0,
    logged,
    fetch: (path, init) => fetch(url + path, init),
    post: (body, query = "?uid=u1", headers = {}) =>
      fetch(`${url}/v1/rooms/r/danmaku${query}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: bodyOf(body),
      }),
    pending: () => server.pendingRequests,
    stop: () => {
      clearInterval(beat);
      return server.stop(true);
    },
  };
}

function bodyOf(body: unknown): string | Uint8Array<ArrayBuffer> {
  if (typeof body === "string") return body;
  return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
}

/** A problem's status and code; fails where the answer is no problem as RFC 9457 wants it. */
export async function problemOfResponse(response: Response): Promise<string> {
  const body = await response.json();
  if (response.headers.get("content-type") !== "application/problem+json")
    throw new Error(JSON.stringify(body));
  if (body.status !== response.status || typeof body.detail !== "string")
    throw new Error(JSON.stringify(body));
  if (body.type !== `/docs#problem-${body.code}` || typeof body.title !== "string")
    throw new Error(JSON.stringify(body));
  return `${response.status} ${body.code}`;
}

/** A connection of bare bytes, for what `fetch` would never send. */
export interface BareConnection {
  readonly write: (text: string) => void;
  /** Stops reading; the kernel's buffers fill up. */
  readonly pause: () => void;
  readonly resume: () => void;
  readonly received: () => string;
  readonly closed: () => boolean;
  readonly destroy: () => void;
}

export async function connectBare(port: number): Promise<BareConnection> {
  let received = "";
  let closed = false;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_socket, bytes) => {
        received += bytes.toString("latin1");
      },
      close: () => {
        closed = true;
      },
      error: () => {
        closed = true;
      },
    },
  });
  return {
    write: (text) => {
      socket.write(text);
    },
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
    received: () => received,
    closed: () => closed,
    destroy: () => socket.terminate(),
  };
}

/** Waits until a condition holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (condition()) return;
    await Bun.sleep(5);
  }
  throw new Error(`waited in vain until ${what}`);
}
