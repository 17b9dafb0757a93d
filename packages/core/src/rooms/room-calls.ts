/** What callers ask of a gateway's rooms and wait to be answered: publishes, settings, announcements, history. */
import { DanmakuError, type Draft } from "@danmakud/wire";
import { checkAnnounce, checkConfigure, mayEnter } from "../policy/index.ts";
import type { ScheduledDanmaku } from "../ports/index.ts";
import type { GatewayContext } from "./gateway-context.ts";
import type { HistoryDesk } from "./history-desk.ts";
import type { HistoryPage, HistoryQuery, Principal, PublishOutcome, RoomInfo } from "./hub.ts";
import { RETRY_AFTER_MS, ROOM_LIMITS } from "./limits.ts";
import { type Publisher, refusalOf } from "./pending-publishes.ts";
import type { Publishing } from "./publishing.ts";
import type { RingPositions } from "./ring-positions.ts";
import type { RoomRegistry } from "./room-registry.ts";
import type { RoomSettings, SettingsPatch } from "./settings.ts";
import type { WatchedRoom } from "./watched-room.ts";

export class RoomCalls {
  readonly #context: GatewayContext;
  readonly #rooms: RoomRegistry;
  readonly #publishing: Publishing;
  readonly #histories: HistoryDesk;
  readonly #positions: RingPositions;

  constructor(
    context: GatewayContext,
    rooms: RoomRegistry,
    publishing: Publishing,
    histories: HistoryDesk,
    positions: RingPositions,
  ) {
    this.#context = context;
    this.#rooms = rooms;
    this.#publishing = publishing;
    this.#histories = histories;
    this.#positions = positions;
  }

  publish(name: string, who: Principal, drafts: readonly Draft[]): Promise<readonly PublishOutcome[]> {
    if (!mayEnter(who, name)) {
      const error = new DanmakuError("forbidden", `not admitted to room ${name}`);
      return Promise.resolve(drafts.map(() => ({ error })));
    }
    return new Promise((resolve) => {
      this.#rooms.open(name, (room) => {
        if (room instanceof DanmakuError) resolve(drafts.map(() => ({ error: room })));
        else this.#publishAll(room, who, drafts, resolve);
      });
    });
  }

  configure(name: string, who: Principal, patch: SettingsPatch): Promise<RoomSettings> {
    if (!mayEnter(who, name)) {
      return Promise.reject(new DanmakuError("forbidden", `not admitted to room ${name}`));
    }
    const forbidden = checkConfigure(who);
    if (forbidden !== undefined) return Promise.reject(forbidden);
    return new Promise((resolve, reject) => {
      this.#rooms.open(name, (room) => {
        if (room instanceof DanmakuError) return reject(room);
        let settings: RoomSettings | undefined;
        const refusal = this.#publishing.configure(room, who, patch, {
          configured: (changed) => {
            settings = changed;
          },
          published: () => resolve(settings as RoomSettings),
          refused: (_token, _id, code, message) => {
            reject(refusalOf(code, message, 0));
          },
        });
        if (refusal !== undefined) return reject(refusal);
        this.#publishing.commit();
      });
    });
  }

  announce(name: string, who: Principal, draft: Draft): Promise<PublishOutcome> {
    return this.#inRoom<PublishOutcome>(name, who, (room, resolve, refused) =>
      this.#publishing.announce(room, who, draft, {
        published: (_token, _id, offset, ts) => resolve({ offset, ts, epoch: room.epoch }),
        scheduled: (_token, _id, scheduled, deliverAt) => resolve({ scheduled, deliverAt }),
        refused,
      }),
    );
  }

  async scheduled(
    name: string,
    who: Principal,
    after: { readonly deliverAt: number; readonly number: number },
    limit: number,
  ): Promise<readonly ScheduledDanmaku[]> {
    this.#mayAnnounce(name, who);
    const most = Math.min(limit, ROOM_LIMITS.scheduledPageMax);
    return await this.#read(name, () => this.#context.log.scheduled(name, after, most));
  }

  async unschedule(name: string, who: Principal, number: number): Promise<void> {
    this.#mayAnnounce(name, who);
    // A number is that of one danmaku for ever, so what is read here cannot have become another's meanwhile.
    const answer = this.#read(name, () => this.#context.log.isScheduled(name, number));
    if (!(answer instanceof Promise ? await answer : answer)) {
      throw new DanmakuError("not_found", `nothing is scheduled under ${number} in room ${name}`);
    }
    await this.#inRoom<void>(name, who, (room, resolve, refused) =>
      this.#publishing.unschedule(room, who, number, { published: () => resolve(), refused }),
    );
  }

  /** What waits in a room, from a log that may be away; at once from one that answers at once. */
  #read<Value>(name: string, read: () => Value | Promise<Value>): Value | Promise<Value> {
    const fail = (cause: unknown): never => {
      if (cause instanceof DanmakuError) throw cause;
      this.#context.report(`what is scheduled in room ${name} cannot be read`, cause);
      throw new DanmakuError("unavailable", "what is scheduled cannot be read", {
        cause,
        retryAfterMs: RETRY_AFTER_MS.unavailable,
      });
    };
    try {
      const answer = read();
      return answer instanceof Promise ? answer.catch(fail) : answer;
    } catch (cause) {
      return fail(cause);
    }
  }

  #mayAnnounce(name: string, who: Principal): void {
    const refusal = mayEnter(who, name)
      ? checkAnnounce(who)
      : new DanmakuError("forbidden", `not admitted to room ${name}`);
    if (refusal !== undefined) throw refusal;
  }

  /** Opens a room, has one entry put into the ring and settles with its answer. */
  #inRoom<Result>(
    name: string,
    who: Principal,
    submit: (
      room: WatchedRoom,
      resolve: (result: Result) => void,
      refused: Publisher["refused"],
    ) => DanmakuError | undefined,
  ): Promise<Result> {
    if (!mayEnter(who, name)) {
      return Promise.reject(new DanmakuError("forbidden", `not admitted to room ${name}`));
    }
    return new Promise((resolve, reject) => {
      this.#rooms.open(name, (room) => {
        if (room instanceof DanmakuError) return reject(room);
        const refusal = submit(room, resolve, (_token, _id, code, message, retryAfterMs) =>
          reject(refusalOf(code, message, retryAfterMs)),
        );
        if (refusal !== undefined) return reject(refusal);
        this.#publishing.commit();
      });
    });
  }

  describe(name: string): Promise<RoomInfo | undefined> {
    return new Promise((resolve, reject) => {
      this.#rooms.look(name, (answer) => {
        if (!(answer instanceof DanmakuError)) {
          const { epoch, head, online, rate, sampledRate, settings } = answer;
          resolve({ room: name, epoch, head, online, rate, sampledRate, settings });
        } else if (answer.code === "not_found") resolve(undefined);
        else reject(answer);
      });
    });
  }

  history(name: string, query: HistoryQuery, isUndelayed: boolean): Promise<HistoryPage | undefined> {
    return new Promise((resolve, reject) => {
      this.#rooms.look(name, (answer) => {
        if (answer instanceof DanmakuError) {
          if (answer.code === "not_found") resolve(undefined);
          else reject(answer);
          return;
        }
        // The log is read only once it holds everything up to the head that was just named. Where it cannot be
        // written at present, what it holds is all there is to tell, and its own head the one to go on from.
        this.#positions.whenDurable(answer.position, () => {
          const onPage = (page: HistoryPage | DanmakuError) => {
            if (page instanceof DanmakuError) reject(page);
            else resolve(page);
          };
          const { delayMs } = answer.settings;
          const isAll = isUndelayed || delayMs === 0;
          // A shared log has said how far one may see; an own one is searched.
          const visibleHead = isAll ? undefined : answer.visibleHead;
          const isSearched = !isAll && visibleHead === undefined;
          const through = isSearched ? this.#context.clock.now() - delayMs : Number.POSITIVE_INFINITY;
          this.#histories.ask(
            name,
            { epoch: answer.epoch, head: visibleHead ?? answer.head },
            answer.position <= this.#positions.durable,
            query,
            onPage,
            through,
          );
          this.#context.wakeSelf();
        });
      });
    });
  }

  async list(
    after: string,
    limit: number,
  ): Promise<{ readonly rooms: readonly RoomInfo[]; readonly next?: string }> {
    const rooms = await this.#context.listRooms(after, limit);
    const last = rooms.at(-1);
    return rooms.length < limit || last === undefined ? { rooms } : { rooms, next: last.room };
  }

  #publishAll(
    room: WatchedRoom,
    who: Principal,
    drafts: readonly Draft[],
    resolve: (outcomes: readonly PublishOutcome[]) => void,
  ): void {
    const outcomes: PublishOutcome[] = new Array(drafts.length);
    let open = drafts.length;
    if (open === 0) resolve(outcomes);
    const settle = (index: number, outcome: PublishOutcome): void => {
      outcomes[index] = outcome;
      if (--open === 0) resolve(outcomes);
    };
    const publisher: Publisher = {
      published: (index, _id, offset, ts) => settle(index, { offset, ts, epoch: room.epoch }),
      scheduled: (index, _id, scheduled, deliverAt) => settle(index, { scheduled, deliverAt }),
      refused: (index, _id, code, message, retryAfterMs) => {
        settle(index, { error: refusalOf(code, message, retryAfterMs) });
      },
    };
    drafts.forEach((draft, index) => {
      const error = this.#publishing.submit(room, who, draft, publisher, index, index);
      if (error !== undefined) settle(index, { error });
    });
    this.#publishing.commit();
  }
}
