/** Launchers of real servers, clients that check or break the protocol, and what tests share. */
export { Audience, missedOffsets } from "./audience.ts";
export {
  type CommandOptions,
  type CommandResult,
  type RunningCommand,
  runDanmakud,
  startDanmakud,
} from "./command.ts";
export { bilibiliContents, type Comment, generateComments, toBilibiliXml } from "./comments.ts";
export { EventStream, type StreamEvent } from "./event-stream.ts";
export { freePort } from "./free-port.ts";
export { joinCode, Moderator, type SanctionBody } from "./moderator.ts";
export { type NodeOptions, SHARED_LOG_VARIABLE, startNode, TestNode } from "./node.ts";
export { FAULTS_ON, NodeAdmin, residentBytes, type ThreadFault } from "./node-admin.ts";
export { OffsetCoverage, type ViewerStart } from "./offset-coverage.ts";
export { PATIENCE, TEST_LIMIT_MS } from "./patience.ts";
export { Publisher, type PublisherOptions } from "./publisher.ts";
export { seededRandom } from "./random.ts";
export { RawClient, type RawClientOptions } from "./raw-client.ts";
export {
  concat,
  decodeFrame,
  encodeFrame,
  OPCODES,
  type RawFrame,
  type ReceivedFrame,
} from "./raw-frames.ts";
export {
  AnswerMissing,
  type RawAnswer,
  type RawRequest,
  rawHttp,
  readAnswer,
  requestHead,
} from "./raw-http.ts";
export { RawSocket } from "./raw-socket.ts";
export { type CloseInfo, RecordSocket, type SocketEncoding, SUBPROTOCOLS } from "./record-socket.ts";
export { largeRecording, type Recording, sortedContents } from "./recording.ts";
export { REDIS_AVAILABLE, RedisServer, type RedisServerOptions, redisCli } from "./redis/server.ts";
export {
  REDIS_TOPOLOGIES,
  type RedisClusterService,
  type RedisService,
  replicaHasAll,
  startCluster,
  startSentinel,
  startStandalone,
} from "./redis/topologies.ts";
export { REPOSITORY_ROOT, recordedFile } from "./repository.ts";
export * from "./room-api.ts";
export { fingerprint, RoomLedger } from "./room-ledger.ts";
export { mountSmallDisk, type SmallDisk } from "./small-disk.ts";
export { TcpProxy } from "./tcp-proxy.ts";
export { makeTempDir, removeTempDir } from "./temp-dir.ts";
export { undisturbed } from "./undisturbed.ts";
export { freshRoom, useNode } from "./use-node.ts";
export { Viewer } from "./viewer.ts";
export type { PublishAnswer, PublishFields, ViewerOptions } from "./viewer-options.ts";
export { type WaitOptions, waitFor, within } from "./wait-for.ts";
