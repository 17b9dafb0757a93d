import { freePort } from "../free-port.ts";
import { PATIENCE } from "../patience.ts";
import { waitFor } from "../wait-for.ts";
import { RedisServer, redisCli } from "./server.ts";

const BUS_PORT_DISTANCE = 10_000;
/** Where Linux begins to take ports of outgoing connections. */
const EPHEMERAL_PORT_MIN = 32_768;

/** A Redis service for tests: real servers, and ways to hurt them. */
export interface RedisService extends AsyncDisposable {
  /** As `danmakud --redis` takes it. */
  readonly url: string;
  readonly servers: readonly RedisServer[];
  /** The server that holds a room's keys at present. */
  masterOf(room: string): Promise<RedisServer>;
  /**
   * Kills the master of a room and waits until a replica has taken its place. Returns the one that was killed. Rejects
   * where there is no replica.
   */
  failOver(room: string): Promise<RedisServer>;
  stop(): Promise<void>;
}

/** A service that can grow. */
export interface RedisClusterService extends RedisService {
  /** One more server, among `servers`, ready to be taken into the Cluster and not yet a part of it. */
  spare(): Promise<RedisServer>;
}

/** One server. */
export async function startStandalone(flags: readonly string[] = []): Promise<RedisService> {
  const server = await RedisServer.start({ flags });
  return service(server.url, [server], {
    masterOf: async () => server,
    failOver: async () => {
      throw new Error("a single server has no replica");
    },
  });
}

/** A master, a replica and three Sentinels. */
export async function startSentinel(flags: readonly string[] = []): Promise<RedisService> {
  const first = await RedisServer.start({ flags });
  const second = await RedisServer.start({
    flags: ["--replicaof", "127.0.0.1", String(first.port), ...flags],
  });
  const config = [
    `sentinel monitor main 127.0.0.1 ${first.port} 2`,
    "sentinel down-after-milliseconds main 1000",
    "sentinel failover-timeout main 5000",
    "sentinel parallel-syncs main 1",
    "",
  ].join("\n");
  const sentinels = await Promise.all([1, 2, 3].map(() => RedisServer.start({ sentinelConfig: config })));
  const servers = [first, second];
  const ask = (...args: string[]) => (sentinels[0] as RedisServer).cli(...args);
  await waitFor(
    "the replica to follow",
    async () => /slave0:.*state=online/.test(await first.cli("info", "replication")),
    {
      timeoutMs: PATIENCE.conditionMs,
    },
  );
  for (const sentinel of sentinels) {
    await waitFor(
      "the Sentinels to know each other and the replica",
      async () => {
        const state = await sentinel.cli("sentinel", "master", "main");
        return /num-slaves\n1/.test(state) && /num-other-sentinels\n2/.test(state);
      },
      { timeoutMs: PATIENCE.conditionMs },
    );
  }
  const master = async () => {
    const [, port] = (await ask("sentinel", "get-master-addr-by-name", "main")).split("\n");
    const found = servers.find((server) => String(server.port) === port);
    if (found === undefined) throw new Error(`the Sentinels name an unknown master on port ${port}`);
    return found;
  };
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",");
  return service(`redis+sentinel://${hosts}/main`, [...servers, ...sentinels], {
    masterOf: master,
    failOver: async () => {
      const old = await master();
      await old.kill("SIGKILL");
      await waitFor("a new master", async () => (await master()) !== old, {
        timeoutMs: PATIENCE.conditionMs,
      });
      const next = await master();
      await waitFor("it to be one", async () => /role:master/.test(await next.cli("info", "replication")), {
        timeoutMs: PATIENCE.conditionMs,
      });
      return old;
    },
  });
}

/** A Cluster of three masters with a replica each. */
export async function startCluster(flags: readonly string[] = []): Promise<RedisClusterService> {
  const own = [
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    "1500",
    "--cluster-require-full-coverage",
    "no",
  ];
  const start = async () => RedisServer.start({ flags: [...own, ...flags], port: await clusterPort() });
  const servers = await Promise.all([...Array(6)].map(start));
  const addresses = servers.map(({ port }) => `127.0.0.1:${port}`);
  const made = await redisCli([
    "--cluster",
    "create",
    ...addresses,
    "--cluster-replicas",
    "1",
    "--cluster-yes",
  ]);
  if (!made.includes("All 16384 slots covered")) throw new Error(`the Cluster could not be made:\n${made}`);
  for (const server of servers) {
    await waitFor("every server to see the whole Cluster", async () => {
      const info = await server.cli("cluster", "info");
      return /cluster_state:ok/.test(info) && /cluster_known_nodes:6/.test(info);
    });
  }
  const linked = async () => {
    const states = await Promise.all(servers.map((server) => server.cli("info", "replication")));
    return (
      states.filter((state) => /role:slave/.test(state) && /master_link_status:up/.test(state)).length === 3
    );
  };
  await waitFor("the replicas to follow", linked);
  const masterOf = async (room: string) => {
    const alive = servers.find((server) => server.running) as RedisServer;
    const slot = Number(await alive.cli("cluster", "keyslot", `{${room}}`));
    for (const line of (await alive.cli("cluster", "nodes")).split("\n")) {
      if (!/master/.test(line) || /fail/.test(line.split(" ")[2] ?? "")) continue;
      const port = Number(/:(\d+)@/.exec(line)?.[1]);
      const ranges = line.split(" ").slice(8);
      const holds = ranges.some((range) => {
        const [from, to] = range.split("-").map(Number);
        return slot >= (from as number) && slot <= (to ?? (from as number));
      });
      const server = servers.find((each) => each.port === port);
      if (holds && server !== undefined) return server;
    }
    throw new Error(`nobody holds the slot of room ${room}`);
  };
  const whole = service(`redis+cluster://${addresses.join(",")}`, servers, {
    masterOf,
    failOver: async (room) => {
      const old = await masterOf(room);
      await old.kill("SIGKILL");
      await waitFor("a replica to take over", async () => (await masterOf(room)) !== old);
      return old;
    },
  });
  const spare = async () => {
    const server = await start();
    servers.push(server);
    return server;
  };
  return { ...whole, spare };
}

/** Waits until the replica of a room's master has what was written by now: a failover loses the rest. */
export async function replicaHasAll(redis: RedisService, room: string): Promise<void> {
  const master = await redis.masterOf(room);
  const replication = () => master.cli("info", "replication");
  const written = Number(/master_repl_offset:(\d+)/.exec(await replication())?.[1]);
  await waitFor(
    "the replica to have what was written",
    async () => Number(/slave0:.*,offset=(\d+)/.exec(await replication())?.[1]) >= written,
    { timeoutMs: PATIENCE.conditionMs },
  );
}

/** The servers of a Cluster talk to each other on a port 10,000 higher, which must not be one that the kernel gives out. */
async function clusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port + BUS_PORT_DISTANCE < EPHEMERAL_PORT_MIN) return port;
  }
}

function service(
  url: string,
  servers: readonly RedisServer[],
  ways: Pick<RedisService, "masterOf" | "failOver">,
): RedisService {
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  return { url, servers, ...ways, stop, [Symbol.asyncDispose]: stop };
}

/** Every form of the service, for suites that run on each. */
export const REDIS_TOPOLOGIES = {
  standalone: startStandalone,
  sentinel: startSentinel,
  cluster: startCluster,
} as const;
