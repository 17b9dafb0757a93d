import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkContent, type DanmakuRecord } from "@danmakud/wire";
import { bilibiliContents, generateComments, toBilibiliXml } from "./comments.ts";
import { recordedFile } from "./repository.ts";
import { makeTempDir, removeTempDir } from "./temp-dir.ts";

/** A recorded file to replay, and what of it can be published, sorted. */
export interface Recording extends Disposable {
  readonly path: string;
  readonly contents: readonly string[];
}

/** The large recording beside the repository; where it is absent, 4,000 generated comments (says so). */
export function largeRecording(): Recording {
  const recorded = recordedFile("recorded-16348.xml");
  const folder = recorded ? undefined : makeTempDir("recording");
  const path = recorded ?? join(folder ?? "", "generated.xml");
  if (!recorded) {
    const comments = generateComments(4_000);
    const spread = 3_000_000 / (comments.at(-1)?.atMs ?? 1);
    writeFileSync(
      path,
      toBilibiliXml(comments.map((comment) => ({ ...comment, atMs: comment.atMs * spread }))),
    );
    console.log(
      "the recording is not here (../shared/data/recorded-16348.xml); replaying 4,000 generated comments",
    );
  }
  return {
    path,
    contents: publishable(path),
    [Symbol.dispose]: () => {
      if (folder !== undefined) removeTempDir(folder);
    },
  };
}

function publishable(path: string): readonly string[] {
  const xml = readFileSync(path, "utf8");
  return bilibiliContents(xml)
    .flatMap((content) => {
      try {
        return [checkContent(content)];
      } catch {
        return [];
      }
    })
    .sort();
}

/** Contents of danmaku, sorted: two rooms or files hold the same comments where these are equal. */
export function sortedContents(danmaku: readonly DanmakuRecord[]): readonly string[] {
  return danmaku.map((record) => record.content).sort();
}
