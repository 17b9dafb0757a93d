/** Thread that stands between the gateways' ingress rings, the log in Redis and the broadcast ring. */
import { BroadcastProducer, IngressConsumer, Signal } from "@danmakud/core/memory";
import { SharedUserWindow } from "@danmakud/core/policy";
import { type ListedRoom, METRICS, SharedSequencer } from "@danmakud/core/rooms";
import {
  connectRedis,
  describeAddress,
  parseRedisUrl,
  type RedisConnection,
} from "../adapters/redis/index.ts";
import { REDIS_LIMITS } from "../adapters/redis/limits.ts";
import { RoomList } from "../adapters/redis/room-list.ts";
import { RedisSanctions } from "../adapters/redis/sanctions.ts";
import { RedisLog } from "../adapters/redis/shared-log.ts";
import { UserExchange } from "../adapters/redis/user-exchange.ts";
import { Shrink } from "./shrink.ts";
import { clock, random, runLoop, runThread, say, type ThreadContext } from "./thread.ts";

/** The service must answer within this when a node starts; afterwards it may be away for as long as it likes. */
const START_MS_MAX = 10_000;
/** Publishes on their way get this long when the node stops. */
const STOP_MS_MAX = 3000;
/** So long it tries to say that it leaves: others find out by themselves, if later. */
const LEAVE_MS_MAX = 500;
/** Errors of connections are told at most this often. */
const TELL_MS_MIN = 5000;

runThread(async (context, messages) => {
  const { memory, options, thread } = context.start;
  const address = parseRedisUrl(options.redis ?? "");
  const service = describeAddress(address);
  let isStopping = false;
  messages.stop = () => {
    isStopping = true;
  };
  const errors = new ErrorTeller(service);
  let sequencer: SharedSequencer | undefined;
  /** Turns after all that has come in by now, not once for each. */
  let isSoon = false;
  /** Until then the loop may sleep. */
  let sleepsUntil = 0;
  const soon = () => {
    if (isSoon) return;
    isSoon = true;
    setImmediate(() => {
      isSoon = false;
      turn();
      // What is due since then, sooner than the loop knew when it went to sleep.
      if (sequencer !== undefined && sequencer.nextDueAt() < sleepsUntil) context.signal.wake();
    });
  };
  const connection = connectRedis(address, {
    connectionName: "danmakud",
    onError: (error) => {
      errors.tell(error);
      sequencer?.failed(error);
    },
    onState: (isReady) => {
      if (isReady) sequencer?.doubt();
      context.signal.wake();
    },
    onSubscriberChange: () => sequencer?.doubt(),
  });
  const node = random.token();
  const users = createUserExchange(context, connection, node);
  const writing =
    options.redisWait === 0
      ? undefined
      : connectRedis(address, { connectionName: "danmakud:write", onError: (error) => errors.tell(error) });
  const close = () => {
    connection.close();
    writing?.close();
  };
  const log = new RedisLog({
    connection,
    ...(writing === undefined ? undefined : { writing }),
    node,
    token: random.token,
    retain: options.retain,
    roomTtlMs: options.roomTtlS * 1000,
    replicas: options.redisWait,
    onMessage: (message) => {
      sequencer?.receive(message);
      soon();
    },
    onCancelled: (room, number) => {
      sequencer?.cancelled(room, number);
      soon();
    },
  });
  const first = await firstAnswer(log, () => isStopping);
  if (first !== undefined) {
    close();
    const message = `--redis: ${service} does not answer: ${errors.last?.message ?? first.message}`;
    say({ type: "failed", kind: "redis", message });
    return;
  }

  const ingress = memory.ingress.map((ring) => new IngressConsumer(ring));
  const broadcast = new BroadcastProducer(memory.broadcast);
  const gateways = [...memory.ingress.keys()].map((gateway) => new Signal(memory.signals, gateway));
  const tellGateways = () => {
    // What is in the ring is in the log already.
    context.durable.position = broadcast.position;
    for (const gateway of gateways) gateway.wake();
  };
  const rooms = new RoomList(connection.client);
  const owner = new SharedSequencer({
    ingress,
    broadcast,
    log,
    sanctions: new RedisSanctions({
      client: connection.client,
      writing: (writing ?? connection).client,
      node,
      token: random.token,
      isReplicated: (tag) => log.isReplicated(tag),
    }),
    clock,
    timers: context.timers,
    counters: context.counters,
    roomsMax: options.roomsMax,
    roomLingerMs: options.roomLingerMs,
    onUsers: (tallies) => users?.tell(tallies),
    wake: () => soon(),
    onFailing: (cause) => {
      context.durable.isFailing = cause !== undefined;
      tellGateways();
      if (cause === undefined) say({ type: "log", level: "info", message: `${service} answers again` });
      else {
        const message = `${service} does not answer; publishes are refused until it does`;
        say({ type: "log", level: "error", message, detail: cause.message });
      }
    },
    onAlarm: (message) => say({ type: "log", level: "error", message }),
  });
  sequencer = owner;
  messages.gatewayGone = ({ gateway }) => owner.gatewayGone(gateway);
  messages.list = ({ gateway, id, after, limit }) => {
    listRooms(rooms, owner, after, limit).then(
      (listed) => say({ type: "rooms", gateway, id, rooms: listed }),
      (error: Error) => errors.tell(error),
    );
  };

  const turn = (): boolean => {
    const before = broadcast.position;
    const moved = owner.turn();
    if (broadcast.position !== before) tellGateways();
    return moved;
  };
  let beatAt = 0;
  const beat = () => {
    if (clock.monotonic() < beatAt) return;
    beatAt = clock.monotonic() + REDIS_LIMITS.beatMs;
    log.beat((result) => {
      if (result instanceof Error) owner.failed(result);
      else owner.heard();
    });
    users?.subscribe();
  };
  say({ type: "ready" });

  const isIdle = () => ingress.every((ring) => ring.isEmpty());
  const shrink = new Shrink();
  const loop = {
    turn: () => {
      turn();
      return !isIdle() && owner.canMove();
    },
    isIdle: () => isIdle() || !owner.canMove(),
    nextDueAt: () => {
      const dueAt = Math.min(owner.nextDueAt(), isIdle() ? Number.POSITIVE_INFINITY : clock.monotonic() + 1);
      sleepsUntil = dueAt;
      return dueAt;
    },
    tick: () => {
      beat();
      owner.tick();
      shrink.look(owner.openRooms, clock.monotonic());
      tellGateways();
    },
  };
  let stopAt = Number.POSITIVE_INFINITY;
  await runLoop(context, loop, () => {
    if (!isStopping) return false;
    stopAt = Math.min(stopAt, clock.monotonic() + STOP_MS_MAX);
    return (isIdle() && !owner.isBusy) || clock.monotonic() > stopAt;
  });
  users?.close();
  await Promise.race([new Promise<void>((done) => owner.stop(done)), Bun.sleep(LEAVE_MS_MAX)]);
  await Promise.race([log.leave().catch(() => {}), Bun.sleep(LEAVE_MS_MAX)]);
  close();
  context.heartbeats.stop(thread);
  say({ type: "stopped" });
});

/** Undefined where nothing is limited. */
function createUserExchange(
  { start, counters }: ThreadContext,
  connection: RedisConnection,
  node: string,
): UserExchange | undefined {
  const { memory, options } = start;
  if (!options.limits || memory.users === undefined) return undefined;
  return new UserExchange({
    connection,
    node,
    window: new SharedUserWindow(memory.users.window, memory.users.seed),
    now: clock.now,
    onUntold: (messages) => counters.add(METRICS.usersUntold, messages),
  });
}

/** Undefined once the service has answered; else why it did not. */
async function firstAnswer(log: RedisLog, isStopping: () => boolean): Promise<Error | undefined> {
  const deadline = clock.monotonic() + START_MS_MAX;
  for (;;) {
    const result = await new Promise<undefined | Error>((resolve) => log.beat(resolve));
    if (result === undefined) return undefined;
    if (clock.monotonic() > deadline || isStopping()) return result;
    await Bun.sleep(100);
  }
}

async function listRooms(
  names: RoomList,
  sequencer: SharedSequencer,
  after: string,
  limit: number,
): Promise<readonly ListedRoom[]> {
  const listed: ListedRoom[] = [];
  let from = after;
  while (listed.length < limit) {
    const page = await names.page(from, limit - listed.length);
    const last = page.at(-1);
    if (last === undefined) break;
    from = last;
    const found = await Promise.all(page.map((name) => sequencer.describe(name)));
    for (const room of found) if (room !== undefined && !(room instanceof Error)) listed.push(room);
  }
  return listed;
}

/** Tells of errors, thinned out: a server that is away fails every attempt. */
class ErrorTeller {
  last: Error | undefined;
  readonly #service: string;
  #toldAt = Number.NEGATIVE_INFINITY;
  #untold = 0;

  constructor(service: string) {
    this.#service = service;
  }

  tell(error: Error): void {
    this.last = error;
    const now = clock.monotonic();
    if (now - this.#toldAt < TELL_MS_MIN) {
      this.#untold++;
      return;
    }
    this.#toldAt = now;
    const more = this.#untold === 0 ? "" : ` (and ${this.#untold} errors before)`;
    this.#untold = 0;
    say({ type: "log", level: "warn", message: `${this.#service}: ${error.message}${more}` });
  }
}
