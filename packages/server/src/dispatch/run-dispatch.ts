/** Joins the parts of a dispatch worker's process. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Server } from "bun";
import pino from "pino";
import { describeAddress } from "../adapters/redis/index.ts";
import type { DispatchOptions, ListenAddress } from "../config/index.ts";
import { problem } from "../problem.ts";
import { loadSinks } from "./load-sinks.ts";
import { DispatchWorker } from "./worker.ts";

/**
 * Runs a worker until SIGTERM or SIGINT, then stops it. Resolves once everything that was under way is acknowledged and
 * the slots are given back.
 * @throws UsageError or the sinks' own error where it cannot begin.
 */
export async function runDispatch(options: DispatchOptions): Promise<void> {
  const name = options.name ?? makeName();
  const logger = pino(
    { base: { worker: name }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
  const sinks = await loadSinks(options, name, logger);
  const worker = new DispatchWorker({
    worker: name,
    address: options.redis,
    sinks,
    concurrency: options.concurrency,
    log: logger,
  });
  const admin = await openAdminOf(worker, options.adminListen);
  const over = Promise.withResolvers<void>();
  let isStopping = false;
  const stop = (signal: string): void => {
    if (isStopping) return;
    isStopping = true;
    logger.info({ signal }, "stopping");
    worker.stop().then((isDrained) => {
      if (!isDrained) logger.warn("a sink took too long: what it was given comes again");
      over.resolve();
    }, over.reject);
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  worker.start();
  const redis = describeAddress(options.redis);
  logger.info({ redis, sinks: sinks.map((sink) => sink.name), admin: admin?.url.href }, "started");
  process.stdout.write(`danmakud dispatch ${name} is running\n`);
  await over.promise;
  await admin?.stop(true);
  logger.info("stopped");
}

/** Unique among workers, and of characters that a file name takes. */
function makeName(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9_.-]/g, "-")
    .slice(0, 32);
  return `${host}-${process.pid}-${randomBytes(3).toString("hex")}`;
}

/** @throws the system's error where the address cannot be had; the worker has been stopped then. */
async function openAdminOf(
  worker: DispatchWorker,
  listen: ListenAddress | null,
): Promise<Server<undefined> | undefined> {
  try {
    return listen === null ? undefined : openAdmin(listen, worker);
  } catch (error) {
    await worker.stop();
    throw error;
  }
}

function openAdmin(listen: ListenAddress, worker: DispatchWorker): Server<undefined> {
  const { registry } = worker.metrics;
  return Bun.serve({
    hostname: listen.host,
    port: listen.port,
    development: false,
    fetch: async (request) => {
      switch (new URL(request.url).pathname) {
        case "/metrics":
          return new Response(await registry.metrics(), {
            headers: { "content-type": registry.contentType },
          });
        case "/healthz":
          return Response.json({ status: "live" });
        case "/readyz":
          if (worker.isReady) return Response.json({ status: "ready" });
          return problem(
            "unavailable",
            worker.isRedisReady ? "it has not its share of the slots yet" : "Redis cannot be reached",
          );
        default:
          return problem("not_found", `there is nothing at ${new URL(request.url).pathname}`);
      }
    },
  });
}
