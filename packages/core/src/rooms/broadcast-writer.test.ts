import { expect, test } from "bun:test";
import { ERROR_CODES } from "@danmakud/wire";
import { BroadcastConsumer, BroadcastProducer, createBroadcastRing } from "../memory/index.ts";
import { BroadcastWriter } from "./broadcast-writer.ts";
import { BroadcastKind, ERROR_CODE, ERROR_RETRY } from "./envelope-descriptor.ts";

const ORIGIN = { gateway: 0, incarnation: 0, ticket: 9 };

test("a refusal carries a time to come back of its own, not one that was left over in the ring", () => {
  const ring = createBroadcastRing(4096, 1);
  const consumer = new BroadcastConsumer(ring, 0);
  consumer.attachAtHead();
  const producer = new BroadcastProducer(ring);
  const writer = new BroadcastWriter(producer);
  const drain = (): number[][] => {
    producer.commit();
    const found: number[][] = [];
    while (consumer.next()) {
      const word = consumer.index >> 2;
      const kind = (consumer.words[word] as number) & 0xff;
      if (kind === BroadcastKind.reject || kind === BroadcastKind.refuse)
        found.push([
          consumer.words[word + ERROR_CODE] as number,
          consumer.words[word + ERROR_RETRY] as number,
        ]);
    }
    consumer.release();
    return found;
  };
  // Every word of the ring holds something by now.
  for (let i = 0; i < 1000; i++) {
    writer.repeat(1, ORIGIN, 2 ** 53 - 1, 2 ** 53 - 1);
    drain();
  }
  for (let i = 0; i < 500; i++) {
    writer.reject(ORIGIN, "unavailable");
    writer.refuse(ORIGIN, "overloaded");
    writer.reject(ORIGIN, "rate_limited", 250);
    expect(drain()).toEqual([
      [ERROR_CODES.indexOf("unavailable"), 0],
      [ERROR_CODES.indexOf("overloaded"), 0],
      [ERROR_CODES.indexOf("rate_limited"), 250],
    ]);
  }
});
