import { expect, test } from "bun:test";
import { buildPages } from "./build.ts";

test("the pages are one document, one script and one style sheet, and the document names the other two", async () => {
  const pages = await buildPages();
  const paths = [...pages.keys()].sort();
  expect(paths.length).toBe(3);
  const html = new TextDecoder().decode(pages.get("/")?.body);
  for (const path of paths.filter((path) => path !== "/")) expect(html).toContain(`"${path}"`);
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
    if (path === "/") expect(text).not.toMatch(/<style|<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=/);
  }
});
