import { expect, test } from "bun:test";
import { buildLibrary, gzipBytes, LIBRARIES } from "./build-library.ts";

test.each([...LIBRARIES])(
  "$folder is one file of at most $gzipBytesMax bytes compressed",
  async (library) => {
    const body = await buildLibrary(library.folder);
    expect(gzipBytes(body)).toBeLessThanOrEqual(library.gzipBytesMax);
    // One file: it imports nothing, and names no place to load anything from.
    const text = new TextDecoder().decode(body);
    expect(text).not.toMatch(/\bimport\s*[{"'*]|\bimport\s*\(|\bfrom\s*["']/);
    expect(text).not.toMatch(/https?:\/\//);
  },
);

test("the overlay carries its worker", async () => {
  const text = new TextDecoder().decode(await buildLibrary("packages/overlay"));
  expect(text).toContain("onmessage");
  expect(text).not.toContain("DANMAKUD_OVERLAY_WORKER");
});
