import { expect, test } from "bun:test";
import { describeAddress, parseRedisUrl } from "./redis-url.ts";

test("reads a single server with credentials and a database", () => {
  expect(parseRedisUrl("rediss://app:p%40ss@cache.example:7000/3")).toEqual({
    kind: "standalone",
    hosts: [{ host: "cache.example", port: 7000 }],
    tls: true,
    username: "app",
    password: "p@ss",
    db: 3,
  });
  expect(parseRedisUrl("redis://:secret@localhost")).toMatchObject({ password: "secret", db: 0 });
});

test("reads Sentinels and a Cluster by several hosts", () => {
  expect(parseRedisUrl("redis+sentinel://a,b:1,[::1]:2/main?sentinelPassword=x")).toEqual({
    kind: "sentinel",
    hosts: [
      { host: "a", port: 26_379 },
      { host: "b", port: 1 },
      { host: "::1", port: 2 },
    ],
    tls: false,
    db: 0,
    master: "main",
    sentinelPassword: "x",
  });
  expect(parseRedisUrl("redis+cluster://a:7000,b:7001").hosts).toHaveLength(2);
});

test("refuses what cannot be meant", () => {
  for (const url of [
    "http://a",
    "redis://",
    "redis://a,b",
    "redis://a:0",
    "redis://a:99999",
    "redis://a/x",
    "redis://a?b=c",
    "redis+sentinel://a",
    "redis+cluster://a/1",
    "redis://u:%ff@a",
  ]) {
    expect(() => parseRedisUrl(url)).toThrow();
  }
});

test("neither description nor error tells the password", () => {
  const secret = "s3cret";
  expect(describeAddress(parseRedisUrl(`redis+sentinel://u:${secret}@a,b/m`))).toBe(
    "redis+sentinel://a:26379,b:26379/m",
  );
  for (const url of [`redis://u:${secret}@a/x`, `redis://u:${secret}@a,b`, `redis://u:${secret}@`]) {
    try {
      parseRedisUrl(url);
      throw new Error("not refused");
    } catch (error) {
      expect(String(error)).not.toContain(secret);
    }
  }
});
