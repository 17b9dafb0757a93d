/** Joins the parts of a node. The one place that knows them all. */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { buildPages } from "@danmakud/web";
import pino from "pino";
import { describeAddress, parseRedisUrl } from "./adapters/redis/redis-url.ts";
import { lockFolder } from "./adapters/sqlite/index.ts";
import { openAdminServer } from "./adapters/telemetry/index.ts";
import type { ServeOptions } from "./config/index.ts";
import { Supervisor } from "./threads/supervisor.ts";

/**
 * Runs a node until SIGTERM or SIGINT, then drains it. Resolves once everything is stopped.
 * @throws StoreError or Error with a message for the operator where the node cannot start.
 */
export async function runServe(options: ServeOptions): Promise<void> {
  const logger = pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
  for (const warning of options.warnings) logger.warn(warning);
  const lock = options.redis === undefined ? lockFolder(options.data) : undefined;
  await assertPortFree(options.host, options.port);
  if (options.adminListen !== null) await assertPortFree(options.adminListen.host, options.adminListen.port);
  const pages = await buildPages();
  const over = Promise.withResolvers<void>();
  const supervisor = new Supervisor({
    options,
    pages,
    bootId: readBootId(),
    log: (level, message, fields) => logger[level](fields ?? {}, message),
    onFatal: (message) => {
      logger.fatal(message);
      process.exit(1);
    },
  });
  // Before anything answers: a stop that comes early must find its handlers.
  const started = Promise.withResolvers<void>();
  let isStopping = false;
  const stop = (signal: string) => {
    if (isStopping) return;
    isStopping = true;
    logger.info({ signal }, "draining");
    started.promise.then(() => supervisor.stop()).then(over.resolve, over.reject);
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  await supervisor.start();
  const admin = openAdminServer(options, supervisor);
  started.resolve();
  supervisor.serve();
  const url = `${options.tlsCert === undefined ? "http" : "https"}://${urlHost(options.host)}:${supervisor.port}/`;
  const log =
    options.redis === undefined
      ? { data: options.data }
      : { redis: describeAddress(parseRedisUrl(options.redis)) };
  logger.info({ url, admin: admin?.url.href, ...log, threads: options.threads }, "ready");
  process.stdout.write(`danmakud is ready: ${url}\n`);
  await over.promise;
  await admin?.stop(true);
  lock?.release();
  logger.info("stopped");
}

/** Gateways share a port, and so would a second node without noticing; hence a look without sharing first. */
function assertPortFree(host: string, port: number): Promise<void> {
  if (port === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "EADDRINUSE" ? "another program listens there" : error.message;
      reject(new Error(`cannot listen on ${host}:${port}: ${why}`));
    });
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}

/** Names this boot of the machine; empty where the system does not say, which counts as another boot. */
function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

/** A listening address as a browser takes it. */
function urlHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
