import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { Reaper } from "./reaper.ts";

test("ends the processes that name its folder, and no others, and removes the folder", async () => {
  const reaper = new Reaper();
  const waitNaming = (name: string) => Bun.spawn(["bash", "-c", "read", name], { stdin: "pipe" });
  const ours = waitNaming(reaper.folder);
  const others = waitNaming("elsewhere");
  for (const child of [ours, others]) reaper.watch(child.pid);
  await Bun.write(`${reaper.folder}/deep/file`, "x");
  await reaper.finish();
  await ours.exited;
  expect(ours.signalCode).toBe("SIGKILL");
  expect(others.exitCode ?? others.signalCode).toBeNull();
  expect(existsSync(reaper.folder)).toBe(false);
  others.kill("SIGKILL");
});
