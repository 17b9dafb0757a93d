/** Bundles the pages with Bun's bundler: HTML, one script and one style sheet each, minified, named by content. */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

/** A file of the pages, ready to be served. */
export interface Page {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** Strong, quoted as in the header. */
  readonly etag: string;
}

/** Documents by the path they are served at. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  "/": "./viewer/index.html",
  "/overlay": "./stream/overlay.html",
};

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
};

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function pageOf(name: string, body: Uint8Array<ArrayBuffer>): Page {
  const contentType = CONTENT_TYPES[name.slice(name.lastIndexOf(".") + 1)];
  if (contentType === undefined) throw new Error(`the pages contain a file of an unknown kind: ${name}`);
  const hash = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  return { body, contentType, etag: `"${hash}"` };
}

async function bundle(entry: string, names: string, define: Readonly<Record<string, string>>) {
  const built = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    format: "esm",
    minify: true,
    publicPath: "/",
    define: { ...define },
    naming: { entry: names, chunk: "assets/[name]-[hash].[ext]", asset: "assets/[name]-[hash].[ext]" },
  });
  return built.outputs.map((output) => ({ output, name: output.path.replace(/^\.?\//, "") }));
}

/**
 * Builds every page. Keys are the paths to serve them at: `/` is the viewer, `/overlay` the stream overlay,
 * `/assets/…` what they load. The overlay's worker is a file of its own, since the pages' policy allows no other.
 * @throws Error where the bundler fails, with its messages
 */
export async function buildPages(): Promise<Map<string, Page>> {
  const pages = new Map<string, Page>();
  const worker = here(import.meta.resolve("@danmakud/overlay/worker"));
  const [script] = await bundle(worker, "assets/overlay-worker-[hash].[ext]", {});
  if (script === undefined) throw new Error("the overlay's worker was not bundled");
  pages.set(`/${script.name}`, pageOf(script.name, new Uint8Array(await script.output.arrayBuffer())));
  const define = { OVERLAY_WORKER_URL: JSON.stringify(`/${script.name}`) };
  for (const [path, document] of Object.entries(DOCUMENTS)) {
    for (const { output, name } of await bundle(here(document), "[name].[ext]", define)) {
      const page = pageOf(name, new Uint8Array(await output.arrayBuffer()));
      pages.set(name.endsWith(".html") ? path : `/${name}`, page);
    }
  }
  return pages;
}
