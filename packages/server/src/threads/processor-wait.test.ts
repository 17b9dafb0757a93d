import { expect, test } from "bun:test";
import { ProcessorWait } from "./processor-wait.ts";

/** More loops than processors, so that they wait for one another. */
const LOOPS = navigator.hardwareConcurrency + 1;

test.skipIf(process.platform !== "linux")(
  "a thread's wait for a processor grows where there are too few",
  async () => {
    const source = "setInterval(() => {}, 1000); onmessage = () => { for (;;); };";
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const workers = Array.from({ length: LOOPS }, (_, i) => new Worker(url, { name: `crowd-${i}` }));
    const wait = new ProcessorWait();
    try {
      for (const worker of workers) worker.postMessage("go");
      let waitedMs = 0;
      while (waitedMs < 50) {
        await Bun.sleep(5);
        waitedMs = Math.max(...workers.map((_, i) => wait.waitedMs(`crowd-${i}`)));
      }
      expect(waitedMs).toBeGreaterThanOrEqual(50);
    } finally {
      for (const worker of workers) worker.terminate();
    }
  },
);

test("of a thread that is not there nothing is known", () => {
  expect(new ProcessorWait().waitedMs("nobody")).toBe(0);
});
