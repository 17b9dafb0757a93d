/** The renderers that are compared, and the pages that they run in. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildLibrary } from "../../scripts/build-library.ts";

/** A renderer in one of its ways to draw. */
export interface Renderer {
  readonly name: string;
  /** Script of this folder that runs in the page. */
  readonly script: string;
  /** Its way to draw, passed to the page. */
  readonly engine: string;
  /** npm package; absent for the project's own. */
  readonly package?: string;
}

export const RENDERERS: readonly Renderer[] = [
  { name: "danmakud", script: "in-page-overlay.ts", engine: "auto" },
  { name: "danmakud-canvas", script: "in-page-overlay.ts", engine: "canvas" },
  { name: "danmaku-canvas", script: "in-page-danmaku.ts", engine: "canvas", package: "danmaku" },
  { name: "danmaku-dom", script: "in-page-danmaku.ts", engine: "dom", package: "danmaku" },
  { name: "danmu.js", script: "in-page-danmu.ts", engine: "dom", package: "danmu.js" },
  {
    name: "artplayer-plugin-danmuku",
    script: "in-page-artplayer.ts",
    engine: "dom",
    package: "artplayer-plugin-danmuku",
  },
];

const MODULES = join(import.meta.dir, "../../node_modules");

/** Version of a renderer's package as installed; undefined where it is not. */
export function versionOf({ package: name }: Renderer): string | undefined {
  if (name === undefined) return "this version";
  try {
    return JSON.parse(readFileSync(join(MODULES, name, "package.json"), "utf8")).version;
  } catch {
    return undefined;
  }
}

/** The page's script: the renderer with what it needs. The project's own is taken as it is published. */
export async function bundleFor(renderer: Renderer): Promise<string> {
  const own = new TextDecoder().decode(await buildLibrary("packages/overlay"));
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, renderer.script)],
    target: "browser",
    format: "esm",
    plugins: [
      {
        name: "published-overlay",
        setup(build) {
          build.onResolve({ filter: /^@danmakud\/overlay$/ }, () => ({
            path: "overlay",
            namespace: "published",
          }));
          build.onLoad({ filter: /.*/, namespace: "published" }, () => ({ contents: own, loader: "js" }));
        },
      },
    ],
  });
  const [output] = built.outputs;
  if (output === undefined) throw new Error(`${renderer.script} was not bundled`);
  return await output.text();
}

/** The page: a stage over a plain ground. */
export const PAGE = `<!doctype html><meta charset="utf-8">
<body style="margin:0;background:#16223c;overflow:hidden">
<div id="stage" style="position:relative;width:1280px;height:720px;overflow:hidden"></div>
<script type="module" src="/renderer.js"></script>`;
