import { expect, test } from "bun:test";
import {
  freshRoom,
  type HttpAnswer,
  missedOffsets,
  PATIENCE,
  RoomApi,
  useNode,
  Viewer,
  waitFor,
} from "@danmakud/testkit";

const node = useNode({ flags: ["--retain", "100000", "--threads", "2"] });
const COUNT = 10_000;
const PER_REQUEST = 1000;
/** Time for the node to accept all of them before the first is due. */
const LEAD_MS = 3000;
const SPREAD_MS = Number(process.env.SCHEDULED_SECONDS ?? 16) * 1000;
/** Scheduled danmaku later than this count as late in the node's own metric. */
const LATE_MS = 100;

test(
  "of 10,000 scheduled danmaku, with the node killed half-way, each is delivered once, in order and none early",
  async () => {
    const room = freshRoom("scheduled");
    const api = new RoomApi(node().url, room);
    const arrivedAt = new Map<string, number>();
    const viewer = await Viewer.open({ url: node().socketUrl(room), uid: "watcher", reconnect: true });
    const startsAt = Date.now() + LEAD_MS;
    const dueAt = (i: number): number => startsAt + Math.floor((i * SPREAD_MS) / COUNT);
    for (let from = 0; from < COUNT; from += PER_REQUEST) {
      const batch = Array.from({ length: PER_REQUEST }, (_, n) => {
        return { content: `s${from + n}`, deliverAt: dueAt(from + n), key: `k${from + n}` };
      });
      const answer = await api.publish(batch, {}, "role=service&uid=site");
      expect(accepted(answer)).toBe(PER_REQUEST);
    }

    const watch = setInterval(() => {
      for (const { content } of viewer.danmaku.slice(arrivedAt.size)) arrivedAt.set(content, Date.now());
    }, 5);
    await waitFor("half of the danmaku", () => viewer.danmaku.length >= COUNT / 2, {
      timeoutMs: LEAD_MS + SPREAD_MS + PATIENCE.bulkMs,
    });
    const killedAt = Date.now();
    await node().kill("SIGKILL");
    await Bun.sleep(1000);
    await node().restart();
    const readyAt = Date.now();
    await waitFor(
      () => `all danmaku, ${viewer.danmaku.length} came`,
      () => viewer.danmaku.length >= COUNT,
      { timeoutMs: SPREAD_MS + PATIENCE.bulkMs },
    );
    clearInterval(watch);

    const history = await api.all();
    const expected = Array.from({ length: COUNT }, (_, i) => `s${i}`);
    // Each once, in the order of their times: in the log, and before the viewer's eyes over both lives of the node.
    expect(history.map(({ content }) => content)).toEqual(expected);
    expect(viewer.danmaku.map(({ content }) => content)).toEqual(expected);
    expect(missedOffsets(viewer, history, 0)).toEqual([]);
    expect(viewer.faults).toEqual([]);
    const lateMs = history.map(({ ts }, i) => ts - dueAt(i));
    expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0);
    for (const [content, at] of arrivedAt) expect(at).toBeGreaterThanOrEqual(dueAt(Number(content.slice(1))));
    // What was due while the node was down is late, and the node says so.
    const missed = expected.filter((_, i) => dueAt(i) > killedAt && dueAt(i) < readyAt - LATE_MS).length;
    expect(missed).toBeGreaterThan(0);
    expect(node().log()).toMatch(/scheduled danmaku came due while the node was down/);
    const list = await fetch(`${api.url}/scheduled?role=moderator`);
    expect(await list.json()).toEqual({ scheduled: [] });

    const punctual = lateMs
      .filter((_, i) => dueAt(i) < killedAt - 500 || dueAt(i) > readyAt)
      .sort((a, b) => a - b);
    const late = lateMs.length - punctual.length;
    console.log(
      `down for ${readyAt - killedAt} ms; ${late} late for that, by ${Math.max(...lateMs)} ms at most; ` +
        `the others by ${punctual[Math.floor(punctual.length * 0.99)]} ms (P99), ${punctual.at(-1)} ms at most`,
    );
    await viewer.close();
  },
  LEAD_MS + SPREAD_MS + 3 * PATIENCE.bulkMs,
);

/** How many of a batch were accepted to be delivered later. */
function accepted({ status, body }: HttpAnswer): number {
  expect(status).toBe(200);
  const { results } = body as { results: { scheduled?: number }[] };
  return results.filter(({ scheduled }) => scheduled !== undefined).length;
}
