import { expect, test } from "bun:test";
import { freshRoom, RoomApi, useNode } from "@danmakud/testkit";
import { describeInBrowser, hasChromium, useBrowser, ViewerPage } from "./browser.ts";

const HOSTILE = [
  "<script>window.pwned=1</script>",
  "<img src=x onerror=window.pwned=1>",
  "<svg/onload=window.pwned=1>",
  '"><iframe src="javascript:parent.pwned=1"></iframe>',
  "javascript:window.pwned=1",
  "{{constructor.constructor('window.pwned=1')()}}",
  "&lt;b&gt;not bold&lt;/b&gt;",
  "</li></ol><h1>torn</h1>",
] as const;

describeInBrowser("the page", () => {
  const node = hasChromium ? useNode() : undefined;
  const browser = useBrowser();
  const url = () => node?.().url ?? "";

  test("shows hostile comments as the text that they are", async () => {
    const room = freshRoom("hostile");
    const page = await ViewerPage.open(await browser(), url(), room);
    const api = new RoomApi(url(), room);
    for (const [n, content] of HOSTILE.entries()) {
      const name = n % 2 === 0 ? { name: "<u>name</u>" } : {};
      await api.mustPublish({ content, uid: "mallory", ...name });
    }
    await page.hasComment(HOSTILE[HOSTILE.length - 1] ?? "");
    expect((await page.comments()).map(({ content }) => content)).toEqual([...HOSTILE]);
    expect(
      await page.page.locator(".list script, .list img, .list svg, .list iframe, .list h1, .list u").count(),
    ).toBe(0);
    expect(await page.page.evaluate(() => "pwned" in window)).toBe(false);
    expect(page.troubles).toEqual([]);
    await page.close();
  });

  test("does not trust the address either", async () => {
    const context = await (await browser()).newContext();
    const page = await context.newPage();
    await page.goto(`${url()}/?room=${encodeURIComponent("<img src=x onerror=window.pwned=1>")}`);
    await page.locator('#status[data-state="connected"]').waitFor();
    expect(await page.textContent("#stage-room")).toBe("demo");
    expect(await page.evaluate(() => "pwned" in window)).toBe(false);
    await context.close();
  });

  test("asks nothing of any other host", async () => {
    const page = await ViewerPage.open(await browser(), url(), freshRoom("hosts"), { locale: "zh-CN" });
    await page.say("hello");
    await page.hasComment("hello");
    await page.page.reload();
    await page.hasState("connected");
    await page.hasComment("hello");
    const foreign = page.requested.filter(
      (asked) => !/^(data|blob):/.test(asked) && new URL(asked).host !== new URL(url()).host,
    );
    expect(foreign).toEqual([]);
    expect(page.requested.length).toBeGreaterThan(6);
    expect(page.troubles).toEqual([]);
    await page.close();
  });

  test("carries a policy that forbids inline script and foreign hosts", async () => {
    const answer = await fetch(`${url()}/`);
    const policy = answer.headers.get("content-security-policy") ?? "";
    await answer.text();
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain("unsafe");
  });

  test("keeps a token out of the address bar", async () => {
    const context = await (await browser()).newContext();
    const page = await context.newPage();
    await page.goto(`${url()}/?room=lobby#token=abc.def.ghi`);
    await page.waitForURL((shown) => shown.hash === "");
    expect(page.url()).toBe(`${url()}/?room=lobby`);
    await context.close();
  });
});
