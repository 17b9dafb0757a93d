/** Who sits where: from a number of connections to nodes, clients, rooms and steps. Numbers only, no side effects. */

/** Sizes at which a large run stops to measure. */
const LADDER = [10_000, 50_000, 100_000, 250_000, 500_000, 750_000, 1_000_000];
/** Runs up to this size have a single step. */
const SINGLE_STEP_MAX = 20_000;
/** Descriptors that a process needs beside those of its connections: files of the log, pipes. A node was seen to use 30. */
const OWN_DESCRIPTORS = 200;
/** A room is its publisher and some viewers: without any, there would be nothing to deliver. */
const ROOM_CONNECTIONS_MIN = 10;
export interface PlanOptions {
  /** Connections in the end: viewers, and one publisher per room. */
  readonly count: number;
  /** Rooms in the end, over all nodes. */
  readonly rooms: number;
  /** Descriptors that a process may have. */
  readonly descriptors: number;
  /** Whether to measure on the way too (default), or only at the end. */
  readonly steps?: "all" | "last";
}

export interface NodePlan {
  /** From 1; 0 is the control node. */
  readonly number: number;
  readonly address: string;
  /** Connections it holds in the end. */
  readonly connections: number;
  /** Number of its first room; the others follow. */
  readonly firstRoom: number;
  readonly rooms: number;
}

export interface Step {
  /** Connections in all. */
  readonly connections: number;
  /** Connections at each node, from node 1 on: all but the last are full. */
  readonly perNode: readonly number[];
}

export interface Plan {
  readonly nodes: readonly NodePlan[];
  readonly steps: readonly Step[];
}

/** Rooms for so many connections: as many as are wanted, but fewer where they would stand empty. */
export function roomsFor(count: number, wanted: number): number {
  return Math.min(wanted, Math.max(1, Math.floor(count / ROOM_CONNECTIONS_MIN)));
}

/** @throws RangeError where the numbers do not go together. */
export function makePlan({ count, rooms, descriptors, steps = "all" }: PlanOptions): Plan {
  const capacity = descriptors - OWN_DESCRIPTORS;
  if (count < 2) throw new RangeError("it takes two connections: one publishes, one views");
  if (capacity < 1) throw new RangeError(`${descriptors} descriptors per process are too few`);
  const nodesCount = Math.ceil(count / capacity);
  if (rooms < nodesCount) throw new RangeError(`${rooms} rooms do not go over ${nodesCount} nodes`);
  const nodes = Array.from({ length: nodesCount }, (_, i): NodePlan => {
    const firstRoom = share(rooms, i, nodesCount);
    return {
      number: i + 1,
      address: nodeAddress(i + 1),
      connections: share(count, i + 1, nodesCount) - share(count, i, nodesCount),
      firstRoom,
      rooms: share(rooms, i + 1, nodesCount) - firstRoom,
    };
  });
  const sizes = steps === "all" ? stepSizes(count) : [count];
  return { nodes, steps: sizes.map((connections) => fill(nodes, connections)) };
}

/** The node without connections. */
export const CONTROL: NodePlan = {
  number: 0,
  address: nodeAddress(0),
  connections: 0,
  firstRoom: 0,
  rooms: 0,
};

/** Each node has a loopback address of its own, so that address pairs do not run out of ports. */
function nodeAddress(number: number): string {
  return `127.1.${number >> 7}.${(number & 127) + 1}`;
}

/**
 * Addresses to connect from. The same for all clients: the kernel keeps an entry for each (source, port), which
 * connections to different nodes then share.
 */
export function sourceAddress(connection: number): Octets {
  return SOURCE_ADDRESSES[connection % SOURCE_ADDRESSES.length] as Octets;
}

export type Octets = readonly [number, number, number, number];

/** An address pair has some 28,000 ports, and finding a free one gets slow when most are taken. */
const SOURCE_ADDRESSES: readonly Octets[] = [2, 3, 4, 5].map((last) => [127, 0, 0, last]);

/** Where the `i`-th of `parts` equal parts of `total` begins. */
function share(total: number, i: number, parts: number): number {
  return Math.floor((total * i) / parts);
}

function stepSizes(count: number): number[] {
  if (count <= SINGLE_STEP_MAX) return [count];
  return [...LADDER.filter((size) => size <= count / 4 || (size >= 250_000 && size < count)), count];
}

/** Nodes are filled one after another, so that those of a step are full but for the last. */
function fill(nodes: readonly NodePlan[], connections: number): Step {
  const perNode: number[] = [];
  for (let left = connections, i = 0; left > 0; i++) {
    const here = Math.min(left, nodes[i]?.connections ?? left);
    perNode.push(here);
    left -= here;
  }
  return { connections, perNode };
}

/** Viewers of the `room`-th room of a node with so many viewers: they are dealt out in turn. */
export function viewersInRoom(viewers: number, rooms: number, room: number): number {
  return Math.floor(viewers / rooms) + (room < viewers % rooms ? 1 : 0);
}
