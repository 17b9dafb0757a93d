import { expect, test } from "bun:test";
import { ProcessorWait } from "./processor-wait.ts";

/** More loops than processors, so that they wait for one another. */
const LOOPS = navigator.hardwareConcurrency + 1;

/** Threads that do nothing but compete for the processors, under these names. */
async function crowd(names: readonly string[], until: () => boolean): Promise<void> {
  const source = "setInterval(() => {}, 1000); onmessage = () => { for (;;); };";
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const workers = names.map((name) => new Worker(url, { name }));
  try {
    for (const worker of workers) worker.postMessage("go");
    while (!until()) await Bun.sleep(5);
  } finally {
    for (const worker of workers) worker.terminate();
  }
}

test.skipIf(process.platform !== "linux")(
  "a thread's wait for a processor grows where there are too few",
  async () => {
    const names = Array.from({ length: LOOPS }, (_, i) => `crowd-${i}`);
    const wait = new ProcessorWait();
    await crowd(names, () => names.some((name) => wait.waitedMs(name) >= 50));
  },
);

test.skipIf(process.platform !== "linux")(
  "a thread that stands still for a collector waits for a processor as long as that does",
  async () => {
    const idle = new Worker(URL.createObjectURL(new Blob(["setInterval(() => {}, 1000)"])), { name: "idle" });
    const wait = new ProcessorWait();
    const names = Array.from({ length: LOOPS }, () => "HeapHelper");
    let waitedMs = 0;
    try {
      await crowd(names, () => {
        const now = wait.waitedMs("idle");
        expect(now).toBeGreaterThanOrEqual(waitedMs);
        waitedMs = now;
        return waitedMs >= 50;
      });
      // The crowd is gone, and what it waited is not forgotten.
      expect(wait.waitedMs("idle")).toBeGreaterThanOrEqual(waitedMs);
    } finally {
      idle.terminate();
    }
  },
);

test("of a thread that is not there nothing is known", () => {
  expect(new ProcessorWait().waitedMs("nobody")).toBe(0);
});
