/** What `danmakud dispatch` can be told: flags, environment variables and help. */
import {
  FSYNC_POLICIES,
  type FsyncPolicy,
  ROTATE_BYTES_DEFAULT,
  ROTATE_BYTES_MAX,
  ROTATE_BYTES_MIN,
  ROTATE_S_DEFAULT,
  ROTATE_S_MAX,
} from "../dispatch/archive/limits.ts";
import { CONCURRENCY_DEFAULT, CONCURRENCY_MAX } from "../dispatch/limits.ts";
import {
  BATCH_DEFAULT,
  BATCH_MAX,
  TIMEOUT_MS_DEFAULT,
  TIMEOUT_MS_MAX,
  TIMEOUT_MS_MIN,
} from "../dispatch/webhook/limits.ts";
import { flag, optionalFlag } from "./flags.ts";
import { choice, integer, type ListenAddress, listenAddress, seconds, words } from "./values.ts";

export const DISPATCH_FLAGS = {
  redis: optionalFlag({
    flag: "redis",
    argument: "URL",
    schema: words(),
    help: "where the rooms' logs are (required): redis://, redis+sentinel:// or redis+cluster://, as for serve",
  }),
  sink: optionalFlag({
    flag: "sink",
    argument: "SINK",
    schema: words(),
    repeatable: true,
    help: "archive:FOLDER, webhook:URL, or a module with a sink of your own, ./my-sink.ts or a package (required)",
  }),
  name: optionalFlag({
    flag: "name",
    argument: "NAME",
    schema: words(),
    fallbackHelp: "host, process and a random part",
    help: "this worker's name; no two running ones may share it",
  }),
  concurrency: flag({
    flag: "concurrency",
    argument: "N",
    schema: integer(1, CONCURRENCY_MAX),
    fallback: CONCURRENCY_DEFAULT,
    help: "calls of the sinks under way at once, each of other rooms",
  }),
  adminListen: flag<ListenAddress | null>({
    flag: "admin-listen",
    argument: "HOST:PORT|off",
    schema: listenAddress(),
    fallback: null,
    fallbackHelp: "off",
    help: "address of /metrics, /healthz and /readyz",
  }),
  archiveRotateBytes: flag({
    flag: "archive-rotate-bytes",
    argument: "N",
    schema: integer(ROTATE_BYTES_MIN, ROTATE_BYTES_MAX),
    fallback: ROTATE_BYTES_DEFAULT,
    fallbackHelp: "268435456",
    help: "bytes after which the archive begins a new file",
  }),
  archiveRotateS: flag({
    flag: "archive-rotate-after",
    argument: "S",
    schema: seconds(ROTATE_S_MAX),
    fallback: ROTATE_S_DEFAULT,
    fallbackHelp: "1h",
    help: "seconds after which the archive begins a new file; also 15m, 12h, 1d",
  }),
  archiveFsync: flag<FsyncPolicy>({
    flag: "archive-fsync",
    argument: "batch|interval|none",
    schema: choice(...FSYNC_POLICIES),
    fallback: "batch",
    help: "lines are on disk before their ack, within a second, or when the system likes",
  }),
  webhookSecretFile: optionalFlag({
    flag: "webhook-secret-file",
    argument: "FILE",
    schema: words(),
    help: "secret that webhook calls are signed with (HMAC-SHA256)",
  }),
  webhookBatch: flag({
    flag: "webhook-batch",
    argument: "N",
    schema: integer(1, BATCH_MAX),
    fallback: BATCH_DEFAULT,
    help: "entries per webhook call",
  }),
  webhookTimeoutMs: flag({
    flag: "webhook-timeout-ms",
    argument: "N",
    schema: integer(TIMEOUT_MS_MIN, TIMEOUT_MS_MAX),
    fallback: TIMEOUT_MS_DEFAULT,
    help: "milliseconds that a webhook call may take",
  }),
} as const;
