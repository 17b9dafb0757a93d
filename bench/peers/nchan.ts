import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "./server-process.ts";
import { failureOf, GATHER_MS, outputOf, serverFile, whyNoNode } from "./servers/tools.ts";
import { type Target, tallyPayloads } from "./target.ts";

const NGINX = "/usr/sbin/nginx";
const MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so";
const PACKAGES = ["nginx", "libnginx-mod-nchan"];

/** nginx's publish-subscribe module, in C, as Debian packages it; see `servers/nchan-conf.mjs` for how it is set up. */
export const nchan: Target = {
  name: "nchan",
  get settings() {
    return { version: packageVersion(), workers: 1, storage: "memory" };
  },
  gatherMs: GATHER_MS,
  async prepare() {
    return whyNoNode() ?? whyNotInstalled();
  },
  start({ port, gatherMs = GATHER_MS }) {
    const folder = mkdtempSync(join(tmpdir(), "danmakud-nchan-"));
    return startServer({
      command: ["node", serverFile("nchan.mjs")],
      env: {
        PORT: String(port),
        GATHER_MS: String(gatherMs),
        FOLDER: folder,
        NGINX,
        NCHAN_MODULE: MODULE,
        NODE_ENV: "production",
      },
      port,
      cleanUp: () => rmSync(folder, { recursive: true, force: true }),
    });
  },
  viewer: { path: () => "/subscribe", count: tallyPayloads },
  publisher: {
    kind: "websocket",
    path: "/publish",
    // One message each: what nchan takes as one, it passes on as one.
    encode: (payloads) => payloads,
  },
};

function packageVersion(): string {
  const status = outputOf("dpkg-query", ["--status", "libnginx-mod-nchan"]);
  return /^Version: (.+)$/m.exec(status ?? "")?.[1] ?? "not installed";
}

function whyNotInstalled(): string | undefined {
  if (existsSync(NGINX) && existsSync(MODULE)) return undefined;
  const install = `apt-get install ${PACKAGES.join(" ")}`;
  if (process.getuid?.() !== 0) return `nginx with nchan is missing; as root: ${install}`;
  // RUNLEVEL=1 keeps Debian from starting nginx as a service.
  const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const failed =
    failureOf("apt-get", ["update", "-qq"], { env }) ??
    failureOf("apt-get", ["install", "-y", "--no-install-recommends", ...PACKAGES], { env });
  if (failed !== undefined) return failed;
  return existsSync(NGINX) && existsSync(MODULE) ? undefined : `no ${MODULE} after ${install}`;
}
