/** Connections that nobody closes though nobody is there: a node that was stopped keeps its sockets. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { freshRoom, RoomApi, startNode, TEST_LIMIT_MS, waitFor } from "@danmakud/testkit";
import { SdkVisitor } from "../sdk-visitor.ts";

setDefaultTimeout(TEST_LIMIT_MS);

test.each(["websocket", "sse"] as const)(
  "%s: silence is noticed, and the room resumes",
  async (transport) => {
    await using node = await startNode();
    const name = freshRoom("half-open");
    using visitor = new SdkVisitor(node.url, name, { transport, pingAfterMs: 1_000 });
    await visitor.connected();
    const api = new RoomApi(node.url, name);
    await api.publish({ content: "before", uid: "u" });
    await visitor.saw(1);
    process.kill(node.pid, "SIGSTOP");
    try {
      await waitFor("the silence to be noticed", () => visitor.room.state === "disconnected", {
        timeoutMs: TEST_LIMIT_MS / 2,
      });
      const lost = visitor.states.find(({ state }) => state === "disconnected");
      expect(lost).toMatchObject({ code: 1006, reason: "no pong" });
    } finally {
      process.kill(node.pid, "SIGCONT");
    }
    await waitFor(
      "the room again",
      () => visitor.room.state === "connected" && visitor.connections.length >= 2,
      { timeoutMs: TEST_LIMIT_MS / 2 },
    );
    await api.publish({ content: "after", uid: "u" });
    await visitor.saw(2);
    expect(visitor.contents).toEqual(["before", "after"]);
    expect(visitor.connections.at(-1)).toMatchObject({ resumed: true });
  },
);
