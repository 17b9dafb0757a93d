/**
 * `npm run build`: writes what is published. Libraries become one minified ESM file each with their type declarations, the
 * pages go to packages/web/dist as a node serves them. Fails where a library is larger than it promises to be.
 */
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { buildPages } from "../packages/web/src/index.ts";
import { gzipBytes, LIBRARIES, writePackage } from "./build-library.ts";

const ROOT = join(import.meta.dir, "..");

function report(path: string, body: Uint8Array<ArrayBuffer>): number {
  const compressed = gzipBytes(body);
  console.log(
    `${path.padEnd(48)} ${String(body.length).padStart(7)} bytes, ${String(compressed).padStart(6)} gzip`,
  );
  return compressed;
}

async function writeLibrary(folder: string, gzipBytesMax: number): Promise<boolean> {
  const dist = `${folder}/dist`;
  await rm(join(ROOT, dist), { recursive: true, force: true });
  let isGood = true;
  for (const [name, body] of await writePackage(folder, join(ROOT, dist))) {
    if (report(`${dist}/${name}`, body) <= gzipBytesMax || name !== "index.js") continue;
    console.error(`${dist}/${name} is larger than the ${gzipBytesMax} bytes it may have compressed`);
    isGood = false;
  }
  return isGood;
}

async function writePages(): Promise<void> {
  const dist = join(ROOT, "packages/web/dist");
  await rm(dist, { recursive: true, force: true });
  for (const [path, page] of await buildPages()) {
    const file = path === "/" ? "index.html" : path.slice(1) + (path.startsWith("/assets/") ? "" : ".html");
    await mkdir(dirname(join(dist, file)), { recursive: true });
    await Bun.write(join(dist, file), page.body);
    report(`packages/web/dist/${file}`, page.body);
  }
}

let isGood = true;
for (const { folder, gzipBytesMax } of LIBRARIES)
  isGood = (await writeLibrary(folder, gzipBytesMax)) && isGood;
await writePages();
if (!isGood) process.exit(1);
