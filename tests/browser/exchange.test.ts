import { expect, test } from "bun:test";
import { freshRoom, RoomApi, useNode, waitFor } from "@danmakud/testkit";
import { describeInBrowser, hasChromium, useBrowser, ViewerPage } from "./browser.ts";

describeInBrowser("two people in a room", () => {
  const node = hasChromium ? useNode() : undefined;
  const browser = useBrowser();
  const open = async (room: string) => ViewerPage.open(await browser(), node?.().url ?? "", room);

  test("see each other's comments in one order, and their own ones marked", async () => {
    const room = freshRoom("pair");
    const [ana, ben] = await Promise.all([open(room), open(room)]);
    await ana.say("hello from Ana");
    await ben.hasComment("hello from Ana");
    await ben.say("你好，Ana 👋🏽");
    await ana.say("  and trimmed  ");
    for (const page of [ana, ben]) {
      await page.hasComment("你好，Ana 👋🏽");
      await page.hasComment("and trimmed");
    }
    const [seenByAna, seenByBen] = [await ana.comments(), await ben.comments()];
    const plain = (comments: typeof seenByAna) => comments.map(({ own, ...comment }) => comment);
    expect(plain(seenByAna)).toEqual(plain(seenByBen));
    expect(seenByAna.filter(({ own }) => own).map(({ content }) => content)).toEqual([
      "hello from Ana",
      "and trimmed",
    ]);
    expect(seenByBen.filter(({ own }) => own).map(({ content }) => content)).toEqual(["你好，Ana 👋🏽"]);
    expect([...ana.troubles, ...ben.troubles]).toEqual([]);
    await Promise.all([ana.close(), ben.close()]);
  });

  test("see comments fly, and none after switching them off", async () => {
    const room = freshRoom("flight");
    const page = await open(room);
    expect(await page.isFlying()).toBe(false);
    await page.say("whoosh");
    await waitFor("the comment on the stage", () => page.isFlying());
    await page.page.click("#toggle-flight");
    await waitFor("an empty stage", async () => !(await page.isFlying()));
    await page.say("quietly");
    await page.hasComment("quietly");
    expect(await page.isFlying()).toBe(false);
    await page.close();
  });

  test("choose mode, size and colour, which arrive as chosen", async () => {
    const room = freshRoom("look");
    const page = await open(room);
    await page.page.locator('input[value="top"]').check();
    await page.page.locator('input[name="size"][value="36"]').check();
    await page.page.locator('input[name="color"][value="#ff6b6b"]').check();
    await page.say("large, red, on top");
    await page.hasComment("large, red, on top");
    const { danmaku } = await new RoomApi(node?.().url ?? "", room).history("last=1");
    expect(danmaku[0]).toMatchObject({
      content: "large, red, on top",
      mode: "top",
      size: 36,
      color: "#ff6b6b",
    });
    await page.close();
  });

  test("find what was said before they came, and how many are there", async () => {
    const room = freshRoom("late");
    const early = await open(room);
    await early.say("before you came");
    await early.hasComment("before you came");
    const late = await open(room);
    await late.hasComment("before you came");
    await waitFor("two online", async () => (await early.page.textContent("#online-count")) === "2");
    await Promise.all([early.close(), late.close()]);
  });

  test("are told why a comment was refused, and keep what they wrote", async () => {
    const page = await open(freshRoom("refused"));
    await page.say("reversed \u202e text");
    await page.page.locator('#composer-note[data-kind="bad"]:not(:empty)').waitFor();
    expect(await page.page.inputValue("#composer-text")).toBe("reversed \u202e text");
    await page.page.fill("#composer-text", "x".repeat(201));
    expect(await page.page.isDisabled("#send")).toBe(true);
    expect(await page.page.textContent("#counter")).toBe("-1");
    await page.page.fill("#composer-text", "😀".repeat(200));
    expect(await page.page.isDisabled("#send")).toBe(false);
    await page.close();
  });
});
