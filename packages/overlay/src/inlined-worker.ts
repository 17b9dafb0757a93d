/** The worker that is inlined into the published file. */

/** Source of the worker's script; put in place by the build. Absent where the sources are used as they are. */
declare const DANMAKUD_OVERLAY_WORKER: string;

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): {
    createScriptURL(url: string): string;
  };
}

/**
 * Starts the inlined worker. Undefined where there is none. A page with a Content-Security-Policy has to allow
 * `worker-src blob:` for it (and, with Trusted Types, the policy `danmakud-overlay`), or gives a worker of its own.
 */
export function inlinedWorker(): (() => Worker) | undefined {
  if (typeof DANMAKUD_OVERLAY_WORKER === "undefined") return undefined;
  return () => {
    const url = URL.createObjectURL(new Blob([DANMAKUD_OVERLAY_WORKER], { type: "text/javascript" }));
    const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
    const policy = trustedTypes?.createPolicy("danmakud-overlay", { createScriptURL: (own) => own });
    try {
      return new Worker(policy?.createScriptURL(url) ?? url);
    } finally {
      // The worker has its script by then, or will never have it; browsers keep the bytes until it has.
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    }
  };
}
