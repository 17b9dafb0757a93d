/**
 * `npm run examples`: serves the examples on loopback, with the libraries built as they are published. They visit the node
 * that `npm start` runs.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildLibrary } from "../scripts/build-library.ts";

const PORT = Number(process.env.PORT ?? 8090);
const JAVASCRIPT = { headers: { "content-type": "text/javascript; charset=utf-8" } };

const [client, overlay] = await Promise.all([
  buildLibrary("packages/client"),
  buildLibrary("packages/overlay"),
]);

/** React is not among the repository's own packages: its example is there once it is installed. */
const REACT_FOLDER = join(import.meta.dir, "react");
const hasReact = existsSync(join(REACT_FOLDER, "node_modules/react"));

async function reactApp(): Promise<Response> {
  const built = await Bun.build({
    entrypoints: [join(REACT_FOLDER, "app.tsx")],
    target: "browser",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  return new Response(await built.outputs[0]?.text(), JAVASCRIPT);
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: PORT,
  routes: {
    "/": Response.redirect("/plain-html/"),
    "/plain-html/": () => new Response(Bun.file(join(import.meta.dir, "plain-html/index.html"))),
    "/plain-html/danmakud-client.js": () => new Response(client, JAVASCRIPT),
    "/plain-html/danmakud-overlay.js": () => new Response(overlay, JAVASCRIPT),
    "/react/": () =>
      hasReact
        ? new Response(Bun.file(join(REACT_FOLDER, "index.html")))
        : new Response("install it first: npm ci --prefix examples/react", { status: 503 }),
    "/react/app.js": reactApp,
  },
  fetch: () => new Response("not found", { status: 404 }),
});
console.log(
  `examples at ${server.url}plain-html/ and ${server.url}react/ (the latter after npm ci --prefix examples/react)`,
);
