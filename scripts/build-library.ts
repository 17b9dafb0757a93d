/** Bundles a library for browsers: one minified ESM file, its worker inlined where it has one. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { buildDeclarations, writeDeclarations } from "./build-declarations.ts";

const ROOT = join(import.meta.dir, "..");

/** Libraries for browsers, with the most that they may weigh compressed. */
export const LIBRARIES = [
  { folder: "packages/client", gzipBytesMax: 8 * 1024 },
  { folder: "packages/overlay", gzipBytesMax: 15 * 1024 },
] as const;

/** What a package publishes besides its index: files by their entry in `src`. No page loads them, so none has a limit. */
export const SUBPATHS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "packages/client": { "formats.js": "formats/index.ts" },
};

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

/** A further file of a package, see `SUBPATHS`. */
export function buildSubpath(folder: string, entry: string): Promise<Uint8Array<ArrayBuffer>> {
  return bundle(join(ROOT, folder, "src", entry), {});
}

/**
 * Writes what a package publishes to a folder: `index.js`, its further files, and the declarations below `types`.
 * @returns the written scripts by name.
 */
export async function writePackage(
  folder: string,
  to: string,
): Promise<ReadonlyMap<string, Uint8Array<ArrayBuffer>>> {
  const subpaths = Object.entries(SUBPATHS[folder] ?? {});
  const scripts = new Map([["index.js", await buildLibrary(folder)]]);
  for (const [name, entry] of subpaths) scripts.set(name, await buildSubpath(folder, entry));
  for (const [name, body] of scripts) await Bun.write(join(to, name), body);
  const entries = ["index.ts", ...subpaths.map(([, entry]) => entry)];
  writeDeclarations(buildDeclarations(basename(folder), entries), join(to, "types"));
  return scripts;
}

export function gzipBytes(body: Uint8Array<ArrayBuffer>): number {
  return Bun.gzipSync(body, { level: 9 }).length;
}
