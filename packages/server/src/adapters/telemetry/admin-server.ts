/** The admin address: metrics, health, what the threads do. Not for the public; asks nobody to sign in. */

import { ringState } from "@danmakud/core/memory";
import type { Server } from "bun";
import { checkRequestOrigin } from "../../auth/index.ts";
import type { ServeOptions } from "../../config/index.ts";
import { problem, problemOf } from "../../problem.ts";
import { FAULTS, type Fault } from "../../threads/messages.ts";
import { DurableState } from "../../threads/shared-memory.ts";
import type { Supervisor } from "../../threads/supervisor.ts";
import { createMetrics } from "./metrics.ts";

/** Lets `POST /debug/fault` plant faults; for tests of recovery, never in service. */
const FAULTS_ALLOWED = process.env.DANMAKUD_FAULTS === "on";

export function openAdminServer(
  options: ServeOptions,
  supervisor: Supervisor,
): Server<undefined> | undefined {
  const listen = options.adminListen;
  if (listen === null) return undefined;
  const metrics = createMetrics(() => supervisor.memory);
  // Nobody signs in here, so the browser rules of --dev hold: no foreign page, and loopback names on a loopback address.
  const isLoopback = listen.host === "localhost" || listen.host === "::1" || listen.host.startsWith("127.");
  const guard = { dev: true, insecureOpen: !isLoopback, allowOrigin: [] };
  return Bun.serve({
    hostname: listen.host,
    port: listen.port,
    development: false,
    fetch: async (request) => {
      const refusal = checkRequestOrigin(request.headers, guard);
      if (refusal !== undefined) return problemOf(refusal);
      const { pathname } = new URL(request.url);
      if (pathname === "/debug/fault" && request.method === "POST" && FAULTS_ALLOWED)
        return plant(request, supervisor);
      if (request.method !== "GET" && request.method !== "HEAD") {
        return problem("invalid_message", `${request.method} is not served here`, {
          status: 405,
          headers: { allow: "GET, HEAD" },
        });
      }
      switch (pathname) {
        case "/metrics":
          return new Response(await metrics.metrics(), { headers: { "content-type": metrics.contentType } });
        case "/healthz":
          return Response.json({ status: "live" });
        case "/readyz":
          if (!supervisor.isRunning) return problem("unavailable", "starting or stopping");
          if (new DurableState(supervisor.memory).isFailing)
            return problem("unavailable", "the log cannot be written");
          return Response.json({ status: "ready" });
        case "/debug/threads":
          return Response.json({ threads: supervisor.threads() });
        case "/debug/rings": {
          const { broadcast, ingress } = supervisor.memory;
          return Response.json({ broadcast: ringState(broadcast), ingress: ingress.map(ringState) });
        }
        default:
          return problem("not_found", `there is nothing at ${pathname}`);
      }
    },
  });
}

async function plant(request: Request, supervisor: Supervisor): Promise<Response> {
  const body: unknown = await request.json().catch(() => undefined);
  const { thread, fault, ms } = (body ?? {}) as { thread?: unknown; fault?: unknown; ms?: unknown };
  if (typeof thread !== "string" || !FAULTS.includes(fault as Fault)) {
    return problem("invalid_message", `expected {"thread":"gateway-0","fault":"${FAULTS.join('"|"')}"}`);
  }
  if (!supervisor.plant(thread, fault as Fault, typeof ms === "number" ? ms : 0))
    return problem("not_found", `no thread ${thread}`);
  return new Response(null, { status: 204 });
}
