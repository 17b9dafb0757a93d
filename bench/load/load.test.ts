import { describe, expect, test } from "bun:test";
import { bunPubsub } from "../peers/bun-pubsub.ts";
import { danmakud, danmakudTarget } from "../peers/danmakud.ts";
import { drawChart } from "./chart.ts";
import { LatencyHistogram } from "./histogram.ts";
import { countPayloads, makePayload, PAYLOAD_BYTES, readPayloads } from "./payload.ts";
import { measure } from "./session.ts";
import { clientFrame, OPCODES, readFrames } from "./websocket-frames.ts";

describe("payloads", () => {
  test("are counted and read in any envelope", () => {
    const payloads = [makePayload(1_234_567, 1), makePayload(9_007_199_254_740, 4_000_000_000)];
    const frame = Buffer.from(`42["m","${payloads.join('","')}"]`);
    const seen: number[][] = [];
    readPayloads(frame, (micros, number) => seen.push([micros, number]));
    expect(payloads.map((payload) => Buffer.byteLength(payload))).toEqual([PAYLOAD_BYTES, PAYLOAD_BYTES]);
    expect(countPayloads(frame)).toBe(2);
    expect(seen).toEqual([
      [1_234_567, 1],
      [9_007_199_254_740, 4_000_000_000],
    ]);
  });
});

describe("frames", () => {
  /** What a server would send: the client's frame without its mask. */
  function serverFrame(length: number): Uint8Array {
    const masked = clientFrame(new Uint8Array(length).fill(7));
    const headerBytes = masked.length - length - 4;
    const frame = new Uint8Array(headerBytes + length);
    frame.set(masked.subarray(0, headerBytes));
    frame[1] = (frame[1] as number) & 0x7f;
    frame.set(masked.subarray(headerBytes + 4), headerBytes);
    return frame;
  }

  test.each([0, 125, 126, 65_535, 65_536])("of %d bytes are found where they are whole", (length) => {
    const bytes = Buffer.concat([serverFrame(length), serverFrame(3)]);
    for (const cut of [1, 2, 3, bytes.length - 1, bytes.length]) {
      const lengths: number[] = [];
      const next = readFrames(bytes, 0, cut, (opcode, start, end) => {
        expect(opcode).toBe(OPCODES.binary);
        lengths.push(end - start);
      });
      expect(lengths).toEqual([length, 3].slice(0, lengths.length));
      expect(next).toBeLessThanOrEqual(cut);
      if (cut === bytes.length) expect(next).toBe(cut);
    }
  });
});

test("histograms of several processes become one", () => {
  const [one, other] = [new LatencyHistogram(), new LatencyHistogram()];
  for (let i = 1; i <= 99; i++) one.record(1000);
  other.record(50_000);
  one.addText(other.toText());
  expect(one.count).toBe(100);
  expect(one.percentileMs(50)).toBeCloseTo(1, 1);
  expect(one.percentileMs(100)).toBeCloseTo(50, 0);
});

test("a chart names its systems and escapes what it is told", () => {
  const points = [1, 10, 100].map((x) => ({ x, y: x * 2, isLossy: x === 100 }));
  const panels = [{ title: "a < b", yLabel: "ms", series: [{ name: "danmakud", points }] }];
  const svg = drawChart({ title: "t", subtitle: "s", xLabel: "x", footnote: "f", panels });
  expect(svg).toContain(">danmakud<");
  expect(svg).toContain("a &lt; b");
  expect(svg).not.toContain("NaN");
});

const compressed = danmakudTarget({}, { room: "tests", encoding: "json", compress: true, text: "comments" });

describe.each([danmakud, compressed, bunPubsub])("measuring $name", (target) => {
  test("accounts for every delivery", async () => {
    const measured = await measure(target, {
      viewers: 20,
      ratePerSecond: 200,
      seconds: 0.5,
      warmUpSeconds: 0.1,
      tickMicros: 1000,
      probes: 5,
      pauseMicros: 0,
      processes: 2,
      // They read in the end.
      stalled: 10,
    });
    expect(measured.offered).toBe(2000);
    expect(measured.delivered).toBe(2000);
    expect(measured.misordered + measured.twice + measured.lost).toBe(0);
    expect(measured.latency.count).toBeGreaterThan(0);
    expect(measured.serverCpuMicros).toBeGreaterThan(0);
  }, 60_000);
});
