import { afterAll, beforeAll, setDefaultTimeout } from "bun:test";
import { type NodeOptions, startNode, type TestNode } from "./node.ts";
import { TEST_LIMIT_MS } from "./patience.ts";

/**
 * Starts a node before the tests of the calling file (or `describe`) and stops it after them. Returns a function that
 * gives the node. Also widens the time limit of the tests to what waiting for real servers takes.
 */
export function useNode(options: NodeOptions = {}): () => TestNode {
  setDefaultTimeout(TEST_LIMIT_MS);
  let node: TestNode | undefined;
  beforeAll(async () => {
    node = await startNode(options);
  });
  afterAll(async () => {
    await node?.stop();
  });
  return () => {
    if (!node) throw new Error("the node did not start");
    return node;
  };
}

let rooms = 0;

/** A room name that nothing else uses. */
export function freshRoom(purpose = "room"): string {
  return `${purpose}-${process.pid}-${++rooms}`;
}
