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

const VIEWER = fileURLToPath(new URL("./viewer/index.html", import.meta.url));

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
};

/**
 * Builds every page. Keys are the paths to serve them at: `/` is the viewer, `/assets/…` what it loads.
 * @throws Error where the bundler fails, with its messages
 */
export async function buildPages(): Promise<Map<string, Page>> {
  const built = await Bun.build({
    entrypoints: [VIEWER],
    target: "browser",
    format: "esm",
    minify: true,
    publicPath: "/",
    naming: {
      entry: "[name].[ext]",
      chunk: "assets/[name]-[hash].[ext]",
      asset: "assets/[name]-[hash].[ext]",
    },
  });
  const pages = new Map<string, Page>();
  for (const output of built.outputs) {
    const name = output.path.replace(/^\.?\//, "");
    const body = new Uint8Array(await output.arrayBuffer());
    const contentType = CONTENT_TYPES[name.slice(name.lastIndexOf(".") + 1)];
    if (contentType === undefined) throw new Error(`the pages contain a file of an unknown kind: ${name}`);
    const hash = createHash("sha256").update(body).digest("base64url").slice(0, 22);
    pages.set(name === "index.html" ? "/" : `/${name}`, { body, contentType, etag: `"${hash}"` });
  }
  return pages;
}
