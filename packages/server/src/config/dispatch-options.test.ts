import { expect, test } from "bun:test";
import { parseDispatch } from "./dispatch-options.ts";
import { UsageError } from "./usage-error.ts";

const GOOD = ["--redis", "redis+cluster://a:7000,b:7001", "--sink", "archive:/tmp/a"];

test("flags, environment and defaults", () => {
  const options = parseDispatch([...GOOD, "--sink", "webhook:https://x.example/"], {
    DANMAKUD_ARCHIVE_FSYNC: "none",
    DANMAKUD_ARCHIVE_ROTATE_AFTER: "15m",
  });
  expect(options.sinks).toEqual(["archive:/tmp/a", "webhook:https://x.example/"]);
  expect(options.redis.hosts).toHaveLength(2);
  expect(options.archiveFsync).toBe("none");
  expect(options.archiveRotateS).toBe(900);
  expect(options.adminListen).toBeNull();
  expect(options.name).toBeUndefined();
});

test("what is missing, wrong or unknown is said", () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--sink", "archive:a"], /--redis/],
    [["--redis", "redis://h"], /--sink/],
    [["--redis", "http://h", "--sink", "archive:a"], /Redis URL/],
    [["--redis", "redis://:secret@", "--sink", "archive:a"], /Redis URL/],
    [[...GOOD, "--name", "a b"], /--name/],
    [[...GOOD, "--sink", " , "], /--sink/],
    [[...GOOD, "--concurrency", "0"], /--concurrency/],
    [[...GOOD, "--archive-fsync", "maybe"], /--archive-fsync/],
    [[...GOOD, "--wat"], /unknown flag --wat/],
    [[...GOOD, ...Array.from({ length: 8 }, () => ["--sink", "x"]).flat()], /at most 8/],
  ];
  for (const [argv, message] of cases) {
    const parse = () => parseDispatch(argv, {});
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
    expect(parse).not.toThrow(/secret/);
  }
});
