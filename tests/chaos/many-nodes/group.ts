/** What Redis knows of the dispatch group. */
import {
  connectRedis,
  DISPATCH_GROUP,
  parseRedisUrl,
  type RedisConnection,
  streamKey,
} from "../../../packages/server/src/adapters/redis/index.ts";
import { waitFor } from "../../../packages/testkit/src/index.ts";

/** A group's view of one stream. */
interface GroupState {
  readonly pending: number;
  readonly delivered: string;
}

export class GroupView implements AsyncDisposable {
  readonly #connection: RedisConnection;

  private constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  static async connect(url: string): Promise<GroupView> {
    const connection = connectRedis(parseRedisUrl(url), { connectionName: "test-group", onError: () => {} });
    await waitFor("a connection to Redis", () => connection.isReady);
    return new GroupView(connection);
  }

  /** Entries that were given to a worker and not acknowledged. */
  async pending(room: string): Promise<number> {
    return (await this.#state(room)).pending;
  }

  /** Everything in the stream was given out, and nothing is pending. */
  async isThrough(room: string): Promise<boolean> {
    const { client } = this.#connection;
    const [newest] = await client.xrevrange(streamKey(room), "+", "-", "COUNT", 1);
    const { pending, delivered } = await this.#state(room);
    return pending === 0 && delivered === newest?.[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
  }

  async #state(room: string): Promise<GroupState> {
    const groups = (await this.#connection.client.xinfo("GROUPS", streamKey(room))) as unknown[][];
    for (const words of groups) {
      const of = (name: string) => words[words.indexOf(name) + 1];
      if (of("name") === DISPATCH_GROUP)
        return { pending: Number(of("pending")), delivered: String(of("last-delivered-id")) };
    }
    throw new Error(`room ${room} has no group`);
  }
}
