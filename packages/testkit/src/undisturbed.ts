import type { TestNode } from "./node.ts";
import { Viewer } from "./viewer.ts";

/**
 * Runs `disturb` while a viewer of each encoding watches `room`, and makes sure that they never noticed: same connection,
 * every offset in order, no gap, and a danmaku published afterwards arrives.
 */
export async function undisturbed<T>(node: TestNode, room: string, disturb: () => Promise<T>): Promise<T> {
  const url = node.socketUrl(room);
  const watchers = [await Viewer.open({ url }), await Viewer.open({ url, encoding: "tlv" })];
  const result = await disturb();
  const speaker = await Viewer.open({ url, role: "service", uid: "speaker" });
  const answer = await speaker.publish({ content: `still here ${crypto.randomUUID()}` });
  if (answer.type !== "ack") throw new Error(`publishing was disturbed: ${JSON.stringify(answer)}`);
  for (const watcher of watchers) {
    await watcher.reached(answer.offset);
    const faults = [
      ...watcher.faults,
      ...watcher.gaps.map((gap) => `gap ${gap.from}–${gap.to} ${gap.reason}`),
    ];
    if (watcher.hellos.length !== 1) faults.push("the connection was not the same throughout");
    if (faults.length > 0) throw new Error(`a viewer was disturbed: ${faults.join("; ")}`);
    await watcher.close();
  }
  await speaker.close();
  return result;
}
