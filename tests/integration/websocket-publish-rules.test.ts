import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { freshRoom, type PublishFields, undisturbed, useNode, Viewer } from "@danmakud/testkit";
import type { PublishRecord } from "@danmakud/wire";
import { ACCEPTED, REFUSED } from "./publish-cases.ts";

const node = useNode();
const room = freshRoom("rules");
let service: Viewer;

beforeAll(async () => {
  service = await Viewer.open({ url: node().socketUrl(room), role: "service", uid: "svc" });
});
afterAll(() => service.close());

describe("accepted at the border", () => {
  test.each(ACCEPTED)("$name", async ({ fields }) => {
    const answer = await service.publish(fields as PublishFields);
    expect(answer).toMatchObject({ type: "ack" });
    if (answer.type !== "ack") return;
    await service.reached(answer.offset);
    const seen = service.danmaku.find((danmaku) => danmaku.offset === answer.offset);
    const { key: _, content, ...asked } = fields as unknown as PublishRecord;
    const look = { uid: "svc", mode: "scroll", color: "#ffffff", size: 25, class: "normal" };
    expect(seen).toMatchObject({ ...look, ...asked, content: content.trim() });
  });

  test.each([0, 2 ** 53 - 1])("id %d", async (id) => {
    expect(await service.ask({ type: "publish", id, content: "id" })).toMatchObject({ type: "ack", id });
  });
});

describe("refused one past it", () => {
  test.each(REFUSED)("$name", async ({ fields, code }) => {
    expect(await service.publish(fields as PublishFields)).toMatchObject({ type: "error", code });
  });

  test.each([-1, 2 ** 53, 1.5, "1", null, undefined, 1e300])("id %p", async (id) => {
    const errors = service.errors.length;
    service.sendFrame(JSON.stringify({ type: "publish", id, content: "never seen" }));
    await service.ping();
    expect(service.errors.slice(errors)).toMatchObject([{ code: "invalid_message" }]);
  });
});

describe("roles", () => {
  const foreign: [string, string, PublishFields][] = [
    ["a viewer with the uid of another", "viewer", { content: "x", uid: "u2" }],
    ["a viewer of class member", "viewer", { content: "x", class: "member" }],
    ["a viewer of class paid", "viewer", { content: "x", class: "paid" }],
    ["a member of class moderator", "member", { content: "x", class: "moderator" }],
    ["a moderator of class paid", "moderator", { content: "x", class: "paid" }],
    ["a viewer that schedules", "viewer", { content: "x", delayMs: 10 }],
  ];
  test.each(foreign)("%s is refused", async (_name, role, fields) => {
    const viewer = await Viewer.open({ url: node().socketUrl(room), role, uid: "u1" });
    expect(await viewer.publish(fields)).toMatchObject({ type: "error", code: "forbidden" });
    await viewer.close();
  });

  const classes: [string, string][] = [
    ["viewer", "normal"],
    ["member", "member"],
    ["moderator", "moderator"],
    ["service", "normal"],
    ["admin", "normal"],
  ];
  test.each(classes)("what a %s says is %s", async (role, kind) => {
    const viewer = await Viewer.open({ url: node().socketUrl(room), role, uid: `${role}-1` });
    const answer = await viewer.publish({ content: `by a ${role}` });
    expect(answer.type).toBe("ack");
    expect(await viewer.saw(`by a ${role}`)).toMatchObject({ uid: `${role}-1`, class: kind });
    await viewer.close();
  });

  test("an admin may speak as the system", async () => {
    const admin = await Viewer.open({ url: node().socketUrl(room), role: "admin", uid: "root" });
    expect(await admin.publish({ content: "maintenance at 5", class: "system" })).toMatchObject({
      type: "ack",
    });
    await admin.close();
  });
});

test("what is refused is seen by nobody, and disturbs nobody", async () => {
  const quiet = freshRoom("quiet");
  await undisturbed(node(), quiet, async () => {
    const sender = await Viewer.open({ url: node().socketUrl(quiet), role: "service" });
    for (const { fields } of REFUSED) await sender.publish(fields as PublishFields);
    expect(sender.danmaku).toEqual([]);
    expect(sender.hello.head).toBe(sender.coverage.position);
    await sender.close();
  });
});

test("the binary form obeys the same rules", async () => {
  const binary = await Viewer.open({
    url: node().socketUrl(room),
    role: "service",
    encoding: "tlv",
    uid: "bin",
  });
  const fields = {
    content: " 二进制 ",
    mode: "top",
    color: "#00ff7f",
    size: 64,
    name: "名",
    attrs: { a: 1 },
  } as const;
  expect(await binary.publish(fields)).toMatchObject({ type: "ack" });
  expect(await binary.saw("二进制")).toMatchObject({
    ...fields,
    content: "二进制",
    uid: "bin",
    class: "normal",
  });
  expect(await binary.publish({ content: "弹".repeat(201) })).toMatchObject({ code: "invalid_message" });
  expect(await binary.publish({ content: "x", class: "system" })).toMatchObject({ code: "forbidden" });
  expect(binary.faults).toEqual([]);
  await binary.close();
});
