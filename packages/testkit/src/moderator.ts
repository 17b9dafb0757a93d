import { type CloseInfo, RecordSocket } from "./record-socket.ts";
import { call, type HttpAnswer } from "./room-api.ts";
import { waitFor } from "./wait-for.ts";

/** Body of a mute or ban. */
export interface SanctionBody {
  readonly uid: string;
  readonly since: number;
  readonly by: string;
  readonly until?: number;
}

/** Somebody who mutes and bans over HTTP, in one room or (room undefined) on the whole site. */
export class Moderator {
  readonly #path: string;
  readonly #who: string;

  /** `base` is the address of the node; `who` the query of `--dev`. */
  constructor(base: string, room: string | undefined, who?: string) {
    this.#path = room === undefined ? `${base}/v1` : `${base}/v1/rooms/${room}`;
    this.#who = who ?? (room === undefined ? "uid=boss&role=admin" : "uid=mod&role=moderator");
  }

  /** Without `seconds` until it is lifted. */
  async impose(kind: "mute" | "ban", uid: string, seconds?: number): Promise<SanctionBody> {
    const { status, body } = await this.put(kind, uid, seconds === undefined ? undefined : { seconds });
    if (status !== 200) throw new Error(`no ${kind}: ${status} ${JSON.stringify(body)}`);
    return body as SanctionBody;
  }

  async lift(kind: "mute" | "ban", uid: string): Promise<void> {
    const { status, body } = await this.delete(kind, uid);
    if (status !== 204) throw new Error(`${kind} not lifted: ${status} ${JSON.stringify(body)}`);
  }

  /** The uids of those that hold. */
  async uids(kind: "mute" | "ban", query = ""): Promise<string[]> {
    const { status, body } = await this.list(kind, query);
    if (status !== 200) throw new Error(`no list: ${status} ${JSON.stringify(body)}`);
    return (body as Record<string, SanctionBody[]>)[`${kind}s`]?.map(({ uid }) => uid) ?? [];
  }

  /** A body of undefined sends none. */
  put(kind: string, uid: string, body: unknown): Promise<HttpAnswer> {
    const content =
      body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    return call(this.#url(kind, uid), { method: "PUT", ...content });
  }

  delete(kind: string, uid: string): Promise<HttpAnswer> {
    return call(this.#url(kind, uid), { method: "DELETE" });
  }

  list(kind: "mute" | "ban", query = ""): Promise<HttpAnswer> {
    return call(`${this.#path}/${kind}s?${this.#who}${query}`);
  }

  #url(kind: string, uid: string): string {
    return `${this.#path}/users/${uid}/${kind}?${this.#who}`;
  }
}

/** Tries to enter a room: the code with which the connection is closed instead, or undefined where `hello` comes. */
export async function joinCode(socketUrl: string, uid: string): Promise<number | undefined> {
  let outcome: CloseInfo | "hello" | undefined;
  const socket = new RecordSocket({
    url: `${socketUrl}?uid=${uid}`,
    encoding: "json",
    onRecords: () => {
      outcome ??= "hello";
    },
    onClose: (info) => {
      outcome ??= info;
    },
  });
  const answer = await waitFor("hello or a close code", () => outcome);
  if (answer !== "hello") return answer.code;
  await socket.close();
  return undefined;
}
