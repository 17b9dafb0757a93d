import { expect, test } from "bun:test";
import { Alarm } from "./thread.ts";

/** A fraction of a millisecond passes between looking at the clock and setting the alarm. */
test("an alarm for a time that has just passed rings, without a warning on the standard error output", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  await new Promise<void>((resolve) => new Alarm(resolve).set(performance.now() - 1));
  await new Promise((resolve) => setTimeout(resolve));
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
});
