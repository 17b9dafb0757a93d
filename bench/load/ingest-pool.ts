/** Publishers that send as much as is acknowledged, each into a room of its own, in frames of many danmaku. */
import { encodeClientRecord, FRAME_BYTES_MAX, RECORD_TYPES, recordStride, recordType } from "@danmakud/wire";
import { sharedMicros } from "./clock.ts";
import { Connection } from "./connection.ts";
import { LatencyHistogram } from "./histogram.ts";
import { sleepMicros } from "./libc.ts";
import { clientFrame, OPCODES, readFrames, upgradeRequest } from "./websocket-frames.ts";

export interface IngestOptions {
  readonly port: number;
  readonly rooms: number;
  /** Danmaku per frame. */
  readonly batch: number;
  /** Bytes of a danmaku's text. */
  readonly contentBytes: number;
  /** Frames per connection that may wait for their acknowledgements. */
  readonly window: number;
}

export interface IngestCounts {
  sent: number;
  acked: number;
  refused: number;
  /** Danmaku that came back, each with its offset. */
  sequenced: number;
  /** Offsets that a publisher, which is a viewer of its room too, was told it would not get. */
  skipped: number;
}

const JOIN_LIMIT_MS = 15_000;
const DRAIN_LIMIT_MS = 15_000;
const TEXTS = ["666", "前方高能", "2333333", "hello from the back row", "泪目", "www", "これは草", "gg"];
const FRAMES = 8;
const ACK_OFFSET = 12;
/** While nothing comes, the core belongs to the server. */
const PAUSE_MICROS = 200;

export function roomOf(publisher: number): string {
  return `ingest-${publisher}`;
}

/** A frame of different comments of the same length. */
function makeFrame(options: IngestOptions, variant: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_BYTES_MAX);
  let end = 0;
  for (let id = 0; id < options.batch; id++) {
    const text = TEXTS[(id + variant) % TEXTS.length] ?? "";
    const padding = options.contentBytes - Buffer.byteLength(text);
    const content = padding >= 0 ? text + "~".repeat(padding) : "~".repeat(options.contentBytes);
    end = encodeClientRecord({ type: "publish", id, content }, bytes, end);
  }
  return clientFrame(bytes.subarray(0, end));
}

class IngestPublisher {
  readonly connection: Connection;
  isJoined = false;
  /** Highest offset that was acknowledged. */
  ackedOffset = 0;
  outstanding = 0;
  /** When the frames were sent whose acknowledgements are not complete, oldest first; µs. */
  readonly sentAt: number[] = [];
  /** Answers to the oldest of them. */
  answered = 0;

  constructor(port: number, room: string) {
    this.connection = new Connection(port);
    const path = `/v1/rooms/${room}/ws?uid=${room}&role=service`;
    this.connection.write(upgradeRequest(port, path, "danmaku.tlv.v1"));
    let isUpgraded = false;
    this.connection.readUntil(
      "join",
      JOIN_LIMIT_MS,
      () => this.isJoined,
      (bytes, length) => {
        const over = isUpgraded ? 0 : Buffer.from(bytes.buffer, 0, length).indexOf("\r\n\r\n");
        if (over < 0) return 0;
        const start = isUpgraded ? 0 : over + 4;
        isUpgraded = true;
        return readFrames(bytes, start, length, () => {
          this.isJoined = true;
        });
      },
    );
  }
}

export class IngestPool {
  readonly counts: IngestCounts = { sent: 0, acked: 0, refused: 0, sequenced: 0, skipped: 0 };
  /** From sending a frame to the acknowledgement of its last danmaku. */
  readonly latency = new LatencyHistogram();
  readonly #options: IngestOptions;
  readonly #publishers: IngestPublisher[] = [];
  readonly #frames: readonly Uint8Array[];
  #nextFrame = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#frames = Array.from({ length: FRAMES }, (_, variant) => makeFrame(options, variant));
    for (let i = 0; i < options.rooms; i++) {
      this.#publishers.push(new IngestPublisher(options.port, roomOf(i)));
    }
  }

  reset(): void {
    Object.assign(this.counts, { sent: 0, acked: 0, refused: 0, sequenced: 0, skipped: 0 });
    this.latency.reset();
  }

  /** Publishes for so long; blocks the thread. */
  pump(seconds: number): void {
    const end = sharedMicros() + seconds * 1e6;
    while (sharedMicros() < end) this.#turn(true);
  }

  /** Waits for the answers to all that was sent. */
  drain(): void {
    const end = sharedMicros() + DRAIN_LIMIT_MS * 1000;
    while (this.#publishers.some((publisher) => publisher.outstanding > 0)) {
      this.#turn(false);
      if (sharedMicros() > end) throw new Error("publishes were never answered");
    }
  }

  /** Highest acknowledged offset of each room, by the number of its publisher. */
  ackedOffsets(): number[] {
    return this.#publishers.map((publisher) => publisher.ackedOffset);
  }

  #turn(isSending: boolean): void {
    const { batch, window } = this.#options;
    let isBusy = false;
    for (const publisher of this.#publishers) {
      const { connection } = publisher;
      if (connection.isClosed) throw new Error("the server closed a publisher's connection");
      if (isSending && connection.waitingBytes === 0 && publisher.outstanding <= (window - 1) * batch) {
        connection.write(this.#frames[this.#nextFrame] as Uint8Array);
        this.#nextFrame = (this.#nextFrame + 1) % FRAMES;
        publisher.outstanding += batch;
        publisher.sentAt.push(sharedMicros());
        this.counts.sent += batch;
        isBusy = true;
      }
      connection.flush();
      const isRead = connection.read((bytes, length) =>
        readFrames(bytes, 0, length, (opcode, start, end) => {
          if (opcode === OPCODES.ping) connection.write(clientFrame(bytes.slice(start, end), OPCODES.pong));
          if (opcode === OPCODES.binary) this.#read(publisher, bytes, start, end);
        }),
      );
      isBusy ||= isRead;
    }
    if (!isBusy) sleepMicros(PAUSE_MICROS);
  }

  #read(publisher: IngestPublisher, bytes: Uint8Array, start: number, end: number): void {
    const { counts } = this;
    let answers = 0;
    for (let at = start; at < end; at += recordStride(bytes, at)) {
      const type = recordType(bytes, at);
      if (type === RECORD_TYPES.danmaku) counts.sequenced++;
      else if (type === RECORD_TYPES.ack) {
        counts.acked++;
        answers++;
        // Offsets of acknowledgements grow; those of a bench stay below 2^32.
        publisher.ackedOffset = readU32(bytes, at + ACK_OFFSET);
      } else if (type === RECORD_TYPES.error) {
        counts.refused++;
        answers++;
      } else if (type === RECORD_TYPES.gap)
        counts.skipped += readU32(bytes, at + 8) - readU32(bytes, at + 4) + 1;
    }
    if (answers === 0) return;
    publisher.outstanding -= answers;
    publisher.answered += answers;
    while (publisher.answered >= this.#options.batch) {
      publisher.answered -= this.#options.batch;
      this.latency.record(sharedMicros() - (publisher.sentAt.shift() ?? 0));
    }
  }
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}
