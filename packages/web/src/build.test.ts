import { expect, test } from "bun:test";
import { buildPages } from "./build.ts";

test("each document names its own script and style sheet, and the worker is a file of its own", async () => {
  const pages = await buildPages();
  const assets = [...pages.keys()].filter((path) => path.startsWith("/assets/"));
  expect([...pages.keys()].filter((path) => !path.startsWith("/assets/")).sort()).toEqual(["/", "/overlay"]);
  const text = (path: string) => new TextDecoder().decode(pages.get(path)?.body);
  const worker = assets.filter((path) => path.includes("overlay-worker"));
  expect(worker.length).toBe(1);
  for (const document of ["/", "/overlay"]) {
    const named = assets.filter((path) => text(document).includes(`"${path}"`));
    expect(named.map((path) => path.slice(path.lastIndexOf("."))).sort()).toEqual([".css", ".js"]);
    const script = named.find((path) => path.endsWith(".js")) ?? "";
    expect(text(script)).toContain(worker[0] ?? "none");
  }
  expect(assets.length).toBe(5);
  for (const page of pages.values()) expect(page.etag).toMatch(/^"[\w-]{22}"$/);
});

test("the same source gives the same tags", async () => {
  const tags = async () => [...(await buildPages())].map(([path, page]) => path + page.etag).sort();
  expect(await tags()).toEqual(await tags());
});

test("no page names another host, carries an inline script or style, or sets markup from text", async () => {
  for (const [path, page] of await buildPages()) {
    const text = new TextDecoder().decode(page.body).replaceAll("http://www.w3.org/2000/svg", "");
    expect(text).not.toMatch(/https?:\/\/[a-z]/);
    expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/);
    if (!path.startsWith("/assets/"))
      expect(text).not.toMatch(/<style|<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=/);
  }
});
