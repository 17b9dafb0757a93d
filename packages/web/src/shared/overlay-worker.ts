/** Starts the overlay's worker from the node's own file, as the pages' policy demands. */

/** Put in place by the build. */
declare const OVERLAY_WORKER_URL: string;

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): {
    createScriptURL(url: string): string;
  };
}

export function createOverlayWorker(): Worker {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy("danmakud-overlay", {
    createScriptURL: (url) => {
      if (url !== OVERLAY_WORKER_URL) throw new TypeError("not the overlay's worker");
      return url;
    },
  });
  return new Worker(policy?.createScriptURL(OVERLAY_WORKER_URL) ?? OVERLAY_WORKER_URL);
}
