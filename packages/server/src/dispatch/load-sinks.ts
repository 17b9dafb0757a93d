/** From what `--sink` says to sinks. */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { readSecret } from "../auth/index.ts";
import { type DispatchOptions, UsageError } from "../config/index.ts";
import { ArchiveSink } from "./archive/index.ts";
import { BATCH_ENTRIES_MAX } from "./limits.ts";
import type { CreateSink, Sink, SinkContext, SinkLogger } from "./sink.ts";
import { WebhookSink } from "./webhook/index.ts";

/**
 * Opens every sink.
 * @throws UsageError for one that cannot be what was meant; the sink's own error where it cannot begin.
 */
export async function loadSinks(
  options: DispatchOptions,
  worker: string,
  log: SinkLogger,
): Promise<readonly Sink[]> {
  const sinks: Sink[] = [];
  try {
    for (const spec of options.sinks) sinks.push(await loadSink(spec, options, worker, log));
  } catch (error) {
    // What is open keeps the process from ending.
    for (const sink of sinks) await sink.close?.().catch(() => {});
    throw error;
  }
  return sinks;
}

async function loadSink(
  spec: string,
  options: DispatchOptions,
  worker: string,
  log: SinkLogger,
): Promise<Sink> {
  if (spec.startsWith("archive:"))
    return await openArchive(spec.slice("archive:".length), options, worker, log);
  if (spec.startsWith("webhook:")) return await openWebhook(spec.slice("webhook:".length), options, worker);
  return await loadModule(spec, worker, log);
}

async function openArchive(
  folder: string,
  options: DispatchOptions,
  worker: string,
  log: SinkLogger,
): Promise<Sink> {
  if (folder === "") throw new UsageError("--sink archive: needs a folder, archive:FOLDER");
  return await ArchiveSink.open({
    folder: resolve(folder),
    worker,
    rotateBytes: options.archiveRotateBytes,
    rotateMs: options.archiveRotateS * 1000,
    fsync: options.archiveFsync,
    log,
    now: Date.now,
  });
}

async function openWebhook(url: string, options: DispatchOptions, worker: string): Promise<Sink> {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError("--sink webhook: needs an address, webhook:https://example.com/danmaku");
  }
  const file = options.webhookSecretFile;
  return new WebhookSink({
    url,
    worker,
    secret: file === undefined ? undefined : await readSecret(file),
    timeoutMs: options.webhookTimeoutMs,
    batchEntriesMax: options.webhookBatch,
    now: Date.now,
  });
}

async function loadModule(spec: string, worker: string, log: SinkLogger): Promise<Sink> {
  const question = spec.indexOf("?");
  const name = question < 0 ? spec : spec.slice(0, question);
  const query = question < 0 ? "" : spec.slice(question + 1);
  const isPath = name.startsWith(".") || name.startsWith("/");
  let module: { readonly createSink?: unknown };
  try {
    // As seen from where the command is run: that is where its files and packages are.
    const from = isPath ? pathToFileURL(resolve(name)).href : Bun.resolveSync(name, process.cwd());
    module = await import(from);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(
      `--sink ${name} is neither archive:, webhook: nor a module that can be loaded: ${reason}`,
      {
        cause,
      },
    );
  }
  if (typeof module.createSink !== "function")
    throw new UsageError(`--sink ${name} exports no function createSink`);
  const context: SinkContext = { worker, log, options: Object.fromEntries(new URLSearchParams(query)) };
  return checkSink(name, await (module.createSink as CreateSink)(context));
}

/** A module is another's work: what it gives is looked at before it is relied on. */
function checkSink(module: string, sink: Sink): Sink {
  if (typeof sink?.write !== "function" || typeof sink.name !== "string") {
    throw new UsageError(`--sink ${module}: createSink must give an object with a name and a method write`);
  }
  for (const [what, value, max] of [
    ["batchEntriesMax", sink.batchEntriesMax, BATCH_ENTRIES_MAX],
    ["concurrencyMax", sink.concurrencyMax, Number.MAX_SAFE_INTEGER],
  ] as const) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= max)) {
      throw new UsageError(`--sink ${module}: ${what} must be a whole number from 1 to ${max}`);
    }
  }
  return sink;
}
