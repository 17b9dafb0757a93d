-- Has danmaku wait for their time in one room, or takes one back.
--
-- KEYS  1 numbers that wait, by time   2 what waits, by number   3 their idempotency keys   4 what nodes asked last
--       5 recent keys   6 older keys   7 channel        (keys.ts; all in one slot)
-- ARGV  1 node   2 number of the batch, as of an append; the two never have the same one
--       3 number of one to take back; '' = none
--       4 life of an idempotency key, ms        5 danmaku that may wait in the room
--       6 by how much numbers jump where the server may have lost some that were given
--       7 ms for which numbers given are remembered when nothing waits        8 ms for which an answer is
--       9 TLV log records, back to back        10 how many
--      11… of each record: its time, Unix ms; then '' or 'uid LF key'
-- Reply, words parted by spaces: now next left bytes, as append.lua does; then per record, or of what was taken back:
--      s:NUMBER          waits under this number
--      w:NUMBER:TIME     has the key of one that waits
--      r:OFFSET:TS       has the key of one that is in the log
--      n                 its time has come: to be published at once
--      f                 no room
--      c / u             taken back / nothing waits under that number
-- Published on the channel: cancelled NUMBER

local function text(number) return string.format('%.0f', number) end

local waiting, kept, waitingKeys, asked = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function answer(outcomes)
  local nextOne = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')
  local left = redis.call('ZCARD', waiting)
  return table.concat({ text(now), nextOne[2] and text(tonumber(nextOne[2])) or '-', left,
    left > 0 and redis.call('HGET', kept, 'bytes') or 0, outcomes }, ' ')
end
local function remember(outcomes)
  redis.call('HSET', asked, ARGV[1], ARGV[2] .. ' ' .. outcomes)
  redis.call('PEXPIRE', asked, ARGV[8])
  return answer(outcomes)
end

-- Was this done before, and only the answer lost? Written once more, so that a WAIT on this connection is about it.
local before, outcomesBefore = string.match(redis.call('HGET', asked, ARGV[1]) or '', '^(%d+) (.*)$')
if before == ARGV[2] then return remember(outcomesBefore) end

if ARGV[3] ~= '' then
  local row = redis.call('HGET', kept, ARGV[3])
  if not row then return remember('u') end
  local keyBytes, from = string.match(row, '^%d+ (%d+)\n()')
  redis.call('ZREM', waiting, ARGV[3])
  redis.call('HDEL', kept, ARGV[3])
  redis.call('HINCRBY', kept, 'bytes', from + keyBytes - 1 - #row)
  if keyBytes ~= '0' then redis.call('HDEL', waitingKeys, string.sub(row, from, from + keyBytes - 1)) end
  if redis.call('EXISTS', waiting) == 0 then redis.call('PEXPIRE', kept, ARGV[7]) end
  redis.call('SPUBLISH', KEYS[7], 'cancelled ' .. ARGV[3])
  return remember('c')
end

local m = redis.call('HMGET', kept, 'last', 'server', 'bytes')
local last, bytes = tonumber(m[1] or 0), tonumber(m[3] or 0)
local here = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if m[2] and m[2] ~= here then last = last + tonumber(ARGV[6]) end

local blob, at = ARGV[9], 1
local room = tonumber(ARGV[5]) - redis.call('ZCARD', waiting)
local keyLife = tonumber(ARGV[4])
local outcomes = {}
for i = 1, tonumber(ARGV[10]) do
  local stride = math.floor((struct.unpack('<I2', blob, at) + 3) / 4) * 4
  local deliverAt, identity = ARGV[9 + 2 * i], ARGV[10 + 2 * i]
  local known = identity ~= '' and
    (redis.call('HGET', KEYS[5], identity) or redis.call('HGET', KEYS[6], identity))
  if known and now - tonumber(string.match(known, ':(%d+)$')) > keyLife then known = false end
  local waits = identity ~= '' and not known and redis.call('HGET', waitingKeys, identity)
  if known then
    outcomes[i] = 'r:' .. known
  elseif waits then
    outcomes[i] = 'w:' .. waits
  elseif tonumber(deliverAt) <= now then
    outcomes[i] = 'n'
  elseif room <= 0 then
    outcomes[i] = 'f'
  else
    room = room - 1
    last = last + 1
    -- Equal times go by the text of the number.
    local number = string.format('%010d', last)
    redis.call('ZADD', waiting, deliverAt, number)
    redis.call('HSET', kept, number, deliverAt .. ' ' .. #identity .. '\n' .. identity .. string.sub(blob, at, at + stride - 1))
    if identity ~= '' then redis.call('HSET', waitingKeys, identity, text(last) .. ':' .. deliverAt) end
    bytes = bytes + stride
    outcomes[i] = 's:' .. text(last)
  end
  at = at + stride
end
redis.call('HSET', kept, 'last', text(last), 'server', here, 'bytes', text(bytes))
if redis.call('EXISTS', waiting) == 1 then redis.call('PERSIST', kept) else redis.call('PEXPIRE', kept, ARGV[7]) end
return remember(table.concat(outcomes, ','))
