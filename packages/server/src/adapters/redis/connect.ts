/** Connections to a Redis service of any form, with the same manners everywhere. */
import { Cluster, type CommonRedisOptions, Redis, type RedisOptions } from "ioredis";
import { REDIS_LIMITS } from "./limits.ts";
import type { RedisAddress } from "./redis-url.ts";

export interface ConnectOptions {
  /** Shown by `CLIENT LIST`. */
  readonly connectionName: string;
  /** Something went wrong on a connection; called for every attempt that fails, so callers count or thin it out. */
  readonly onError: (error: Error) => void;
  /** A connection is there (again), or gone. For a Cluster: enough of it to serve. */
  readonly onState?: (isReady: boolean) => void;
  /** A connection that carries messages was lost or made anew: messages may be missing, look for them. */
  readonly onSubscriberChange?: () => void;
}

/** Commands and sharded messages of one Redis service. Nothing is queued while it is away: commands reject at once. */
export interface RedisConnection {
  readonly client: Redis | Cluster;
  readonly isReady: boolean;
  /** Rejects where the subscription could not be made; it is made again by itself after a reconnect. */
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  /** The one receiver of all messages. The buffers are the receiver's own. */
  onMessage(receive: (channel: Buffer, message: Buffer) => void): void;
  close(): void;
}

/** Connects in the background: returns at once, and goes on trying for as long as it is open. */
export function connectRedis(address: RedisAddress, options: ConnectOptions): RedisConnection {
  return address.kind === "cluster" ? connectCluster(address, options) : connectServer(address, options);
}

/** A connection of its own for commands that block. In a Cluster nothing blocks: a command may not cross slots. */
export function connectBlocking(address: RedisAddress, options: ConnectOptions): Redis {
  const client = new LastingRedis(serverOptions(address, options));
  client.on("error", options.onError);
  return client;
}

/**
 * A client that only its owner ends. The library's ends itself for good when the Sentinels' news of a failover comes while
 * it is looking for the master, which is just when it looks.
 */
class LastingRedis extends Redis {
  #isClosed = false;

  constructor(options: Omit<RedisOptions, "replyMapping">) {
    super(options);
    this.on("end", () => {
      if (!this.#isClosed) setTimeout(() => this.#beginAgain(), reconnectDelayMs(1));
    });
  }

  override disconnect(reconnect = false): void {
    if (!reconnect) this.#isClosed = true;
    super.disconnect(reconnect);
  }

  #beginAgain(): void {
    // What goes wrong comes as an `error` event as well.
    if (!this.#isClosed) this.connect().catch(() => {});
  }
}

/** Waiting time before the attempt of this number (from 1): doubles up to a bound, the upper half by chance. */
export function reconnectDelayMs(attempt: number): number {
  const bound = Math.min(
    REDIS_LIMITS.reconnectMsMax,
    REDIS_LIMITS.reconnectMsMin * 2 ** Math.min(attempt, 16),
  );
  return Math.round(REDIS_LIMITS.reconnectMsMin + Math.random() * (bound - REDIS_LIMITS.reconnectMsMin));
}

function commonOptions(
  address: RedisAddress,
  { connectionName }: ConnectOptions,
): Omit<CommonRedisOptions, "replyMapping"> {
  return {
    connectionName,
    ...(address.username === undefined ? undefined : { username: address.username }),
    ...(address.password === undefined ? undefined : { password: address.password }),
    connectTimeout: REDIS_LIMITS.connectTimeoutMs,
    socketTimeout: REDIS_LIMITS.socketTimeoutMs,
    // A half-open connection is found by the system, where nothing else is sent on it.
    keepAlive: REDIS_LIMITS.socketTimeoutMs,
    noDelay: true,
    // What a lost connection leaves open is answered with an error; whoever sent it knows whether to send it again.
    autoResendUnfulfilledCommands: false,
    // Only with no retries at all are they answered when the connection is lost, and not left open for ever.
    maxRetriesPerRequest: 0,
    // Done here: the client's own way leaves a failure to nobody.
    autoResubscribe: false,
    // A replica that was a master until now: the next connect finds the new one.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  };
}

function serverOptions(address: RedisAddress, options: ConnectOptions): Omit<RedisOptions, "replyMapping"> {
  const common = {
    ...commonOptions(address, options),
    db: address.db,
    retryStrategy: reconnectDelayMs,
    ...(address.tls ? { tls: {} } : undefined),
  };
  const [first] = address.hosts;
  if (address.kind === "standalone") return { ...common, ...first };
  return {
    ...common,
    sentinels: address.hosts.map((host) => ({ ...host })),
    ...(address.master === undefined ? undefined : { name: address.master }),
    ...(address.sentinelUsername === undefined ? undefined : { sentinelUsername: address.sentinelUsername }),
    ...(address.sentinelPassword === undefined ? undefined : { sentinelPassword: address.sentinelPassword }),
    ...(address.tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : undefined),
    sentinelRetryStrategy: reconnectDelayMs,
    sentinelCommandTimeout: REDIS_LIMITS.connectTimeoutMs,
    // Learns of a failover from the Sentinels, without waiting for the old master to fail a command.
    failoverDetector: true,
  };
}

function connectServer(address: RedisAddress, options: ConnectOptions): RedisConnection {
  const client = new LastingRedis({ ...serverOptions(address, options), enableOfflineQueue: false });
  const subscriber = new LastingRedis({
    ...serverOptions(address, options),
    connectionName: `${options.connectionName}:sub`,
  });
  for (const one of [client, subscriber]) one.on("error", options.onError);
  client.on("ready", () => options.onState?.(true));
  client.on("close", () => options.onState?.(false));
  const channels = new Set<string>();
  subscriber.on("ready", () => {
    resubscribe(subscriber, channels).then(() => options.onSubscriberChange?.(), options.onError);
  });
  subscriber.on("close", () => options.onSubscriberChange?.());
  // A paused or cut-off server is noticed only by a question that it does not answer.
  const ask = () => {
    if (subscriber.status === "ready") subscriber.ping().catch(() => {});
  };
  const asking = setInterval(ask, REDIS_LIMITS.socketTimeoutMs);
  asking.unref();
  return {
    client,
    get isReady() {
      return client.status === "ready";
    },
    subscribe: async (channel) => {
      channels.add(channel);
      await subscriber.ssubscribe(channel);
    },
    unsubscribe: async (channel) => {
      channels.delete(channel);
      await subscriber.sunsubscribe(channel);
    },
    onMessage: (receive) => void subscriber.on("smessageBuffer", receive),
    close: () => {
      clearInterval(asking);
      client.disconnect();
      subscriber.disconnect();
    },
  };
}

/** Takes up all channels again after a reconnect, a few hundred at once. */
async function resubscribe(subscriber: Redis, channels: ReadonlySet<string>): Promise<void> {
  const names = [...channels];
  for (let from = 0; from < names.length; from += REDIS_LIMITS.resubscribeChannels) {
    await subscriber.ssubscribe(...names.slice(from, from + REDIS_LIMITS.resubscribeChannels));
  }
}

function openCluster(address: RedisAddress, options: ConnectOptions): Cluster {
  const redisOptions = commonOptions(address, options);
  return new Cluster(
    address.hosts.map((host) => ({ ...host })),
    {
      shardedSubscribers: true,
      clusterRetryStrategy: reconnectDelayMs,
      slotsRefreshTimeout: REDIS_LIMITS.connectTimeoutMs,
      slotsRefreshInterval: REDIS_LIMITS.slotsRefreshIntervalMs,
      // The caller tries again; what waits inside the client would only be late.
      maxRedirections: REDIS_LIMITS.redirectionsMax,
      enableOfflineQueue: false,
      redisOptions: { ...redisOptions, ...(address.tls ? { tls: {} } : undefined) },
      // Certificates name hosts, which a look-up would replace by addresses.
      ...(address.tls
        ? { dnsLookup: (name: string, found: (e: null, a: string) => void) => found(null, name) }
        : undefined),
    },
  );
}

function connectCluster(address: RedisAddress, options: ConnectOptions): RedisConnection {
  const client = openCluster(address, options);
  client.on("error", options.onError);
  client.on("node error", options.onError);
  client.on("ready", () => options.onState?.(true));
  client.on("close", () => options.onState?.(false));
  for (const event of ["+node", "-node", "+subscriber", "-subscriber", "subscribersReady"]) {
    client.on(event, () => options.onSubscriberChange?.());
  }
  return {
    client,
    get isReady() {
      return client.status === "ready";
    },
    subscribe: async (channel) => void (await client.ssubscribe(channel)),
    unsubscribe: async (channel) => void (await client.sunsubscribe(channel)),
    onMessage: (receive) => void client.on("smessageBuffer", receive),
    close: () => client.disconnect(),
  };
}
