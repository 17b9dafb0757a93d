/** The examples as a reader starts them. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  freePort,
  freshRoom,
  PATIENCE,
  REPOSITORY_ROOT,
  RoomApi,
  TEST_LIMIT_MS,
  useNode,
  waitFor,
} from "@danmakud/testkit";
import type { Page } from "playwright-core";
import { describeInBrowser, hasChromium, useBrowser } from "./browser.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const hasReact = existsSync(join(REPOSITORY_ROOT, "examples/react/node_modules/react"));
if (!hasReact)
  console.log("the example in React is left out: npm ci --prefix examples/react installs its packages");

describeInBrowser("the example", () => {
  const node = hasChromium ? useNode() : undefined;
  const browser = useBrowser();
  let base = "";
  let served: Bun.Subprocess | undefined;

  beforeAll(async () => {
    if (!hasChromium) return;
    const port = await freePort();
    base = `http://127.0.0.1:${port}`;
    served = Bun.spawn([process.execPath, "examples/serve.ts"], {
      cwd: REPOSITORY_ROOT,
      env: { ...process.env, PORT: String(port) },
      stdout: "ignore",
      stderr: "inherit",
    });
    await waitFor("the examples to be served", async () => (await fetch(`${base}/plain-html/`)).ok);
  });
  afterAll(async () => {
    served?.kill();
    await served?.exited;
  });

  async function open(example: string) {
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
    await page.goto(`${base}/${example}/?room=${room}&node=${encodeURIComponent(url)}`);
    await page.getByText("connected", { exact: true }).waitFor();
    return { page, troubles, api: new RoomApi(url, room) };
  }

  async function send(page: Page, content: string): Promise<void> {
    await page.getByLabel("Comment", { exact: true }).fill(content);
    await page.getByRole("button", { name: "Send" }).click();
  }

  test("in plain HTML joins, shows what comes, and sends", async () => {
    const { page, troubles, api } = await open("plain-html");
    await send(page, "from the example");
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

  test.skipIf(!hasReact)("in React lists and flies what comes, sends, and says why not", async () => {
    const { page, troubles, api } = await open("react");
    const listed = page.locator("main > ol > li");
    const flown = page.locator("#stage [role=log] li");

    await send(page, "from React");
    await listed.getByText("from React").waitFor();
    await flown.getByText("from React").waitFor({ state: "attached" });
    expect((await api.all()).map(({ content }) => content)).toEqual(["from React"]);
    expect(await page.locator("#stage canvas").count()).toBe(1);

    const { offset } = await api.mustPublish({ content: "<i>from elsewhere</i>", uid: "ana" });
    await listed.getByText("<i>from elsewhere</i>").waitFor();
    expect(await page.locator("i").count()).toBe(0);
    await send(page, "\u202e");
    await page.getByRole("status").getByText("invalid_message").waitFor();
    // What was refused is still there to be changed.
    expect(await page.getByLabel("Comment", { exact: true }).inputValue()).not.toBe("");

    expect(offset).toBe(2);
    expect(troubles).toEqual([]);
    await page.close();
  });
});
