/** The examples as a reader starts them. */
import { afterAll, expect, test } from "bun:test";
import { freePort, freshRoom, PATIENCE, REPOSITORY_ROOT, RoomApi, useNode, waitFor } from "@danmakud/testkit";
import { describeInBrowser, hasChromium, useBrowser } from "./browser.ts";

describeInBrowser("the example in plain HTML", () => {
  const node = hasChromium ? useNode() : undefined;
  const browser = useBrowser();
  const children: Bun.Subprocess[] = [];
  afterAll(async () => {
    for (const child of children) {
      child.kill();
      await child.exited;
    }
  });

  test("joins, shows what comes, and sends", async () => {
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    children.push(
      Bun.spawn([process.execPath, "examples/serve.ts"], {
        cwd: REPOSITORY_ROOT,
        env: { ...process.env, PORT: String(port) },
        stdout: "ignore",
        stderr: "inherit",
      }),
    );
    await waitFor("the examples to be served", async () => (await fetch(`${base}/plain-html/`)).ok);

    const room = freshRoom("example");
    const url = node?.().url ?? "";
    const page = await (await browser()).newPage();
    page.setDefaultTimeout(PATIENCE.conditionMs);
    const troubles: string[] = [];
    page.on("pageerror", (error) => troubles.push(String(error)));
    page.on("console", (message) => {
      // The browser looks for an icon by itself.
      if (message.type() === "error" && !message.location().url.endsWith("favicon.ico"))
        troubles.push(message.text());
    });
    await page.goto(`${base}/plain-html/?room=${room}&node=${encodeURIComponent(url)}`);
    await page.getByText("connected", { exact: true }).waitFor();
    await page.getByLabel("Comment", { exact: true }).fill("from the example");
    await page.getByRole("button", { name: "Send" }).click();
    const api = new RoomApi(url, room);
    await waitFor("the comment in the room", async () => (await api.all()).length === 1);
    expect((await api.all())[0]).toMatchObject({
      content: "from the example",
      mode: "scroll",
      color: "#ffffff",
    });
    // The overlay lists for screen readers what flies.
    await page.getByText("from the example").first().waitFor({ state: "attached" });
    expect(troubles).toEqual([]);
    await page.close();
  });
});
