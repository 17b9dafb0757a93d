/** Entry of a load process: viewers or the publisher of one system. Takes orders from the bench that started it. */
import { targetNamed } from "../peers/index.ts";
import { sharedMicros } from "./clock.ts";
import { IngestPool } from "./ingest-pool.ts";
import { JoinPool } from "./join-pool.ts";
import { sleepExactly } from "./libc.ts";
import type { Answer, Order, Role } from "./messages.ts";
import { runSchedule } from "./open-loop.ts";
import { connectPublisher, type PublisherLink } from "./publisher-links.ts";
import { RedisIngest } from "./redis-ingest.ts";
import { RedisPublisher } from "./redis-publisher.ts";
import { RedisViewers } from "./redis-viewers.ts";
import { ViewerPool } from "./viewer-pool.ts";

/** Between two looks at the orders. */
const TURN_MS = 5;

const orders: Order[] = [];
process.on("message", (order: Order) => orders.push(order));
process.on("disconnect", () => process.exit(0));

function say(answer: Answer): void {
  process.send?.(answer);
}

/** Lets orders come in. */
function breathe(ms = 0): Promise<void> {
  return new Promise((resolve) => (ms === 0 ? setImmediate(resolve) : setTimeout(resolve, ms)));
}

async function watch(role: Role & { role: "viewers" }): Promise<never> {
  const pool = new ViewerPool({ ...role, face: targetNamed(role.system).viewer });
  pool.connect(role.connectLimitMs);
  return await watchPool(pool, role.count);
}

async function watchPool(pool: ViewerPool | RedisViewers, viewers: number): Promise<never> {
  say({ answer: "ready" });
  for (;;) {
    pool.turn(TURN_MS);
    await breathe();
    const order = orders.shift();
    if (order?.order === "reset") {
      pool.reset(order.stalls);
      say({ answer: "done" });
    } else if (order?.order === "readStalled") {
      pool.readStalled();
      say({ answer: "done" });
    } else if (order?.order === "drain") {
      await drain(pool, viewers, order);
      const report = {
        counts: { ...pool.counts },
        missing: pool.missing(order.records),
        latency: pool.latency.toText(),
      };
      say({ answer: "viewers", report });
    }
  }
}

async function drain(
  pool: ViewerPool | RedisViewers,
  viewers: number,
  order: Order & { order: "drain" },
): Promise<void> {
  const began = sharedMicros();
  const { counts } = pool;
  for (;;) {
    pool.turn(TURN_MS);
    await breathe();
    const now = sharedMicros();
    if (counts.records + counts.skipped >= order.records * viewers) return;
    if (now - Math.max(began, counts.lastMicros) > order.quietMs * 1000) return;
    if (now - began > order.limitMs * 1000) return;
  }
}

async function publish(link: PublisherLink): Promise<never> {
  say({ answer: "ready" });
  let sent = 0;
  for (;;) {
    link.turn();
    await breathe(2);
    const order = orders.shift();
    if (order?.order === "publish") {
      const report = runSchedule(link, order);
      sent += report.sent;
      say({ answer: "published", report });
    } else if (order?.order === "settle") {
      const deadline = sharedMicros() + order.limitMs * 1000;
      const { answers } = link;
      while (link.isAnswering && answers.accepted + answers.refused < sent && sharedMicros() < deadline) {
        link.turn();
        await breathe(2);
      }
      say({ answer: "settled", report: { sent, refused: answers.refused } });
    }
  }
}

async function ingest(pool: IngestPool | RedisIngest): Promise<never> {
  say({ answer: "ready" });
  for (;;) {
    await breathe(1);
    const order = orders.shift();
    if (order?.order === "pump") {
      pool.reset();
      pool.pump(order.seconds);
    } else if (order?.order === "finish") pool.drain();
    else continue;
    const report = {
      counts: { ...pool.counts },
      latency: pool.latency.toText(),
      ackedOffsets: pool.ackedOffsets(),
    };
    say({ answer: "ingested", report });
  }
}

async function join(role: Role & { role: "joins" }): Promise<never> {
  const pool = new JoinPool(role);
  say({ answer: "ready" });
  for (;;) {
    pool.turn(TURN_MS);
    await breathe();
    const order = orders.shift();
    let seconds = 0;
    let recovered = 0;
    if (order?.order === "storm") {
      pool.reset();
      // The server notices the ends of the connections before.
      await breathe(500);
      seconds = pool.storm(order.limitMs);
    } else if (order?.order === "recover") {
      const deadline = sharedMicros() + order.limitMs * 1000;
      do {
        pool.turn(TURN_MS);
        await breathe();
        recovered = pool.recovered(order.head);
      } while (recovered < role.viewers && sharedMicros() < deadline);
    } else continue;
    const { counts, lastJoinMicros, seen } = pool;
    const report = { seconds, recovered, lastJoinMicros, counts: { ...counts }, seen: [...seen] };
    say({ answer: "joined", report: { ...report, latency: pool.latency.toText() } });
  }
}

function play(role: Role): Promise<never> {
  switch (role.role) {
    case "viewers":
      return watch(role);
    case "publisher":
      return publish(connectPublisher(targetNamed(role.system).publisher, role.port));
    case "ingest":
      return ingest(new IngestPool(role));
    case "joins":
      return join(role);
    case "redisIngest":
      return ingest(new RedisIngest(role));
    case "redisViewers":
      return watchPool(new RedisViewers(role), role.count);
    case "redisPublisher":
      return publish(new RedisPublisher(role.way, role.port));
  }
}

try {
  sleepExactly();
  await play(JSON.parse(process.argv[2] ?? "") as Role);
} catch (error) {
  say({ answer: "failed", message: error instanceof Error ? error.message : String(error) });
  setTimeout(() => process.exit(1), 100);
}
