/** Frames that really reached the screen, counted by the browser's own trace (Chrome DevTools Protocol, Tracing). */
import type { CDPSession } from "playwright-core";

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
}

/** One of these is written whenever the display is drawn anew, whoever caused it: page, worker or compositor. */
const FRAME_EVENT = "Display::DrawAndSwap";

/** Counts the frames that the display draws while `run` lasts. */
export async function countFrames(session: CDPSession, run: () => Promise<void>): Promise<number> {
  let frames = 0;
  const onData = ({ value }: { value: unknown[] }) => {
    for (const { name, ph } of value as TraceEvent[])
      if (name === FRAME_EVENT && (ph === "X" || ph === "B" || ph === "b")) frames++;
  };
  session.on("Tracing.dataCollected", onData);
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["viz"], recordMode: "recordUntilFull" },
  });
  await run();
  const complete = new Promise<void>((done) => session.once("Tracing.tracingComplete", () => done()));
  await session.send("Tracing.end");
  await complete;
  session.off("Tracing.dataCollected", onData);
  return frames;
}
