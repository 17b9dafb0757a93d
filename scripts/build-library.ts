/** Bundles a library for browsers: one minified ESM file, its worker inlined where it has one. */
import { existsSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");

/** Libraries for browsers, with the most that they may weigh compressed. */
export const LIBRARIES = [
  { folder: "packages/client", gzipBytesMax: 8 * 1024 },
  { folder: "packages/overlay", gzipBytesMax: 15 * 1024 },
] as const;

async function bundle(entry: string, define: Record<string, string>): Promise<Uint8Array<ArrayBuffer>> {
  const built = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    format: "esm",
    minify: true,
    define,
  });
  const [output] = built.outputs;
  if (output === undefined || built.outputs.length !== 1) throw new Error(`${entry} is not one file`);
  return new Uint8Array(await output.arrayBuffer());
}

/**
 * The published file of `packages/NAME`. A `src/worker.ts` beside `src/index.ts` is bundled first and becomes the text
 * `DANMAKUD_OVERLAY_WORKER` in it.
 */
export async function buildLibrary(folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const worker = join(ROOT, folder, "src/worker.ts");
  const define: Record<string, string> = {};
  if (existsSync(worker)) {
    const script = new TextDecoder().decode(await bundle(worker, {}));
    define.DANMAKUD_OVERLAY_WORKER = JSON.stringify(script.replace(/\bexport\s*\{\s*\};?/g, ""));
  }
  return await bundle(join(ROOT, folder, "src/index.ts"), define);
}

export function gzipBytes(body: Uint8Array<ArrayBuffer>): number {
  return Bun.gzipSync(body, { level: 9 }).length;
}
