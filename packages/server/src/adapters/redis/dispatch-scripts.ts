/**
 * What has to happen in one step, as Lua. All keys of a script have one hash tag, so that it runs in a Cluster too. The
 * fields of a room's hash that belong to the dispatch group are written only here, and only where the hash exists: a
 * room that was forgotten is not brought back by a late ack.
 */
import { createHash } from "node:crypto";

/** A script and the name under which a server keeps it. */
export interface Script {
  readonly lua: string;
  readonly sha1: string;
}

/** The fields of a room's hash that only the scripts below write. */
export const DispatchField = {
  /** Token of the lease under which the room was last served; a smaller one is of a worker that lost it. */
  fence: "dispatchFence",
  /** `<offset>:<tries>` of the entry that is being tried again, so that a crash counts as a try. */
  trying: "dispatchTrying",
} as const;

/**
 * They run also where Redis is out of memory: what they write is small, and nothing can be trimmed until entries are
 * acknowledged.
 */
function script(body: string): Script {
  const lua = `#!lua flags=allow-oom\n${body}`;
  return { lua, sha1: createHash("sha1").update(lua).digest("hex") };
}

const NOW_MS = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * KEYS dispatch:workers · ARGV worker, time to live ms. The worker is alive for so long from now on.
 * @returns names of all that are alive.
 */
export const HEARTBEAT = script(`${NOW_MS}
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], ARGV[2] * 2)
return redis.call('ZRANGE', KEYS[1], 0, -1)
`);

/**
 * KEYS lease, fence · ARGV worker, time to live ms. Takes the lease if it is free or the worker's own (of an earlier
 * connection). Tokens grow with every taking, also where Redis lost the last one: they are at least the time in µs.
 * @returns the new token, or 0.
 */
export const ACQUIRE = script(`
local holder = redis.call('GET', KEYS[1])
if holder and string.match(holder, '^(.*) %d+$') ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local token = math.max(time[1] * 1000000 + time[2], (tonumber(redis.call('GET', KEYS[2])) or 0) + 1)
local text = string.format('%.0f', token)
redis.call('SET', KEYS[2], text, 'PX', 86400000)
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. text, 'PX', ARGV[2])
return text
`);

/**
 * KEYS lease… · ARGV time to live ms, then for each lease its text (\`worker token\`).
 * @returns 1 for each that is still held, else 0.
 */
export const RENEW = script(`
local held = {}
for at, key in ipairs(KEYS) do
  held[at] = 0
  if redis.call('GET', key) == ARGV[at + 1] then held[at] = redis.call('PEXPIRE', key, ARGV[1]) end
end
return held
`);

/** KEYS lease · ARGV its text. Gives a lease back, if it is still one's own. @returns 1 if it was. */
export const RELEASE = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

/** Answers of the scripts about a room. */
export const RoomStatus = { served: 0, gone: 1, fenced: 2, noGroup: 3 } as const;

/** Refuses a token smaller than the room's. Expects KEYS[2] = the room's hash, ARGV[1] = group, ARGV[2] = token. */
const CHECK_FENCE = `
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'dispatched', '${DispatchField.fence}', '${DispatchField.trying}')
if meta[3] and tonumber(meta[3]) > tonumber(ARGV[2]) then return {2} end
`;

/**
 * Brings \`dispatched\` up to date: below the oldest pending entry, or where nothing is pending, at ARGV's last id or the
 * group's last one. Leaves \`left\`, the number of pending entries.
 */
const SETTLE = `
local function offsetOf(id) return tonumber(string.match(id, '^%d+')) end
local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1])
if pending.err then return {3} end
local left = pending[1]
local function settle(last)
  if not meta[1] then return end
  local floor = left == 0 and offsetOf(last) or offsetOf(pending[2]) - 1
  if floor > (tonumber(meta[2]) or -1) then
    redis.call('HSET', KEYS[2], 'dispatched', string.format('%.0f', floor))
  end
end
`;

/**
 * KEYS stream, room's hash · ARGV group, token, consumer. Begins to serve a room, or looks at it again: makes the group
 * from the stream's beginning where it is missing, notes the token, removes consumers that are gone and have nothing
 * pending.
 * @returns status; if served: epoch ('' = none), the try that was noted, pending entries, 1 if there is something that
 * nobody has read, the offset behind which the epoch began ('' = unknown), the epoch before.
 */
export const ATTACH = script(`
local info = redis.pcall('XINFO', 'STREAM', KEYS[1])
if info.err then return {1} end
${CHECK_FENCE}
redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0')
local groups = redis.call('XINFO', 'GROUPS', KEYS[1])
local delivered = '0-0'
for _, group in ipairs(groups) do
  local fields = {}
  for at = 1, #group, 2 do fields[group[at]] = group[at + 1] end
  if fields['name'] == ARGV[1] then delivered = fields['last-delivered-id'] end
end
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local fields = {}
  for at = 1, #consumer, 2 do fields[consumer[at]] = consumer[at + 1] end
  if fields['pending'] == 0 and fields['name'] ~= ARGV[3] then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], fields['name'])
  end
end
${SETTLE}
if meta[1] then
  redis.call('HSET', KEYS[2], '${DispatchField.fence}', ARGV[2])
  settle(delivered)
end
local newest = '0-0'
for at = 1, #info, 2 do if info[at] == 'last-generated-id' then newest = info[at + 1] end end
local before = redis.call('HMGET', KEYS[2], 'epochFrom', 'epochBefore')
return {0, meta[1] or '', meta[4] or '', left, newest ~= delivered and 1 or 0, before[1] or '', before[2] or ''}
`);

/**
 * KEYS stream, room's hash, and so on for each room · ARGV group, then for each room: token, 1 if a noted try is done
 * with, how many ids, the ids. What the sinks have is acknowledged, and `dispatched` raised with it. More than one room
 * only where all keys are on one server.
 * @returns for each room its status, the entries still pending, and its epoch ('' = none).
 */
export const ACK = script(`
local replies, at = {}, 2
local function ack(stream, room, token, endsTry, first, last)
  local meta = redis.call('HMGET', room, 'epoch', 'dispatched', '${DispatchField.fence}', '${DispatchField.trying}')
  if meta[3] and tonumber(meta[3]) > tonumber(token) then return 2, 0, '' end
  for from = first, last, 1000 do
    redis.call('XACK', stream, ARGV[1], unpack(ARGV, from, math.min(from + 999, last)))
  end
  if endsTry == '1' and meta[4] then redis.call('HDEL', room, '${DispatchField.trying}') end
  local pending = redis.pcall('XPENDING', stream, ARGV[1])
  if pending.err then return 3, 0, '' end
  if meta[1] then
    local id = pending[1] == 0 and ARGV[last] or pending[2]
    local floor = tonumber(string.match(id, '^%d+')) - (pending[1] == 0 and 0 or 1)
    if floor > (tonumber(meta[2]) or -1) then redis.call('HSET', room, 'dispatched', string.format('%.0f', floor)) end
  end
  return 0, pending[1], meta[1] or ''
end
for key = 1, #KEYS, 2 do
  local first = at + 3
  local last = first + tonumber(ARGV[at + 2]) - 1
  local status, left, epoch = ack(KEYS[key], KEYS[key + 1], ARGV[at], ARGV[at + 1], first, last)
  replies[#replies + 1] = status
  replies[#replies + 1] = left
  replies[#replies + 1] = epoch
  at = last + 1
end
return replies
`);

/**
 * KEYS room's hash (twice, for the check) · ARGV group, token, \`<offset>:<tries>\`. Notes that an entry is about to be
 * tried again.
 * @returns status.
 */
export const NOTE_TRY = script(`
${CHECK_FENCE}
if meta[1] then redis.call('HSET', KEYS[2], '${DispatchField.trying}', ARGV[3]) end
return {0}
`);

/**
 * KEYS stream, room's hash, dead letters · ARGV group, token, id, letters kept at most, then the letter's fields and
 * values in front of the entry's own. Puts an entry aside, with the reason, and acknowledges it.
 * @returns status; if served: entries still pending, epoch.
 */
export const BURY = script(`
${CHECK_FENCE}
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[3]) == 1 then
  local letter = {'XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*'}
  for at = 5, #ARGV do letter[#letter + 1] = ARGV[at] end
  local entry = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3])[1]
  if entry then for _, text in ipairs(entry[2]) do letter[#letter + 1] = text end end
  redis.call(unpack(letter))
end
if meta[4] then redis.call('HDEL', KEYS[2], '${DispatchField.trying}') end
${SETTLE}
settle(ARGV[3])
return {0, left, meta[1] or ''}
`);
