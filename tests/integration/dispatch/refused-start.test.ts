/** A worker that cannot begin says why and ends, so that whoever runs it notices. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { makeTempDir, removeTempDir, runDanmakud, TEST_LIMIT_MS } from "@danmakud/testkit";

setDefaultTimeout(TEST_LIMIT_MS);

const folder = makeTempDir("refused");
afterAll(() => removeTempDir(folder));

/** Nobody is there; a worker waits for it. */
const NOWHERE = ["dispatch", "--redis", "redis://127.0.0.1:1", "--sink", `archive:${folder}`];

test("one of several sinks cannot be loaded", async () => {
  const missing = join(folder, "none.ts");
  const { code, stderr } = await runDanmakud([...NOWHERE, "--admin-listen", "off", "--sink", missing]);
  expect(code).not.toBe(0);
  expect(stderr).toContain(missing);
});

test("the admin address is taken", async () => {
  const taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  try {
    const { code, stderr } = await runDanmakud([...NOWHERE, "--admin-listen", `127.0.0.1:${taken.port}`]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`${taken.port}`);
  } finally {
    await taken.stop(true);
  }
});
