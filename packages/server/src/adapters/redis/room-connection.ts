import { Cluster, type Redis } from "ioredis";
import { crc16 } from "./keys.ts";

const CLUSTER_SLOTS = 16_384;

/**
 * The connection that carries the commands about a room: one server's, also in a Cluster.
 * @throws Error where the client does not know that server, or has no connection to it.
 */
export function connectionOf(client: Redis | Cluster, room: string): Redis {
  if (!(client instanceof Cluster)) return client;
  const [master] = client.slots[crc16(room) % CLUSTER_SLOTS] ?? [];
  const found = client.nodes("master").find(({ options }) => `${options.host}:${options.port}` === master);
  if (found === undefined) throw new Error(`no connection to the master of room ${room}`);
  return found;
}
