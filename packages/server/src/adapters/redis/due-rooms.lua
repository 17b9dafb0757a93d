-- Which rooms have danmaku that wait for their time, and which of them come due: a part of all rooms, in a slot of its own,
-- so a note of what the rooms themselves know. It may name a room in which nothing waits any more, but misses none.
--
-- A room stands at the time at which somebody has to look at it: when its first danmaku is due, or, where a node looks
-- after it, when that is to be done by another unless it has said something since.
--
-- KEYS  1 rooms by that time   2 hash: ROOM → danmaku and bytes that wait in it; `:count`, `:bytes` of all rooms here
-- ARGV  1 'note': something waits in the room since        2 room   3 when that is due   4 danmaku   5 bytes
--       1 'claim'   2 milliseconds to look ahead   3 for so long nobody else claims a room   4 rooms at most
--       5… of each room the caller looks after: room, what it was claimed with, when its first is due ('-' = none, '?' =
--          the caller does not know), danmaku, bytes
-- Reply to 'claim': { danmaku in all, bytes in all, { room, claim, … }, { room, … } }: claimed anew or changed meanwhile,
--          and those that it looks after no longer; what is in neither goes on, claimed with the third: { room, claim, … }

local rooms, sizes = KEYS[1], KEYS[2]

local function size(room, count, bytes)
  local beforeCount, beforeBytes = string.match(redis.call('HGET', sizes, room) or '0 0', '^(%d+) (%d+)$')
  if count == 0 then redis.call('HDEL', sizes, room) else redis.call('HSET', sizes, room, count .. ' ' .. bytes) end
  redis.call('HINCRBY', sizes, ':count', count - beforeCount)
  redis.call('HINCRBY', sizes, ':bytes', bytes - beforeBytes)
end

if ARGV[1] == 'note' then
  local at, due = redis.call('ZSCORE', rooms, ARGV[2]), tonumber(ARGV[3])
  -- Always another time than before: who looks after the room sees that there is news.
  if at and tonumber(at) <= due then due = tonumber(at) - 0.001 end
  redis.call('ZADD', rooms, string.format('%.3f', due), ARGV[2])
  if ARGV[4] then size(ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])) end
  return
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ahead, lease = now + tonumber(ARGV[2]), tonumber(ARGV[3])
local claimed, released, kept = {}, {}, {}
local function claim(room, list)
  -- In the future of all that is due: only when it lapses does somebody see the room as due again.
  local at = redis.call('ZADD', rooms, string.format('%.3f', ahead + lease), room)
  list[#list + 1] = room
  list[#list + 1] = redis.call('ZSCORE', rooms, room)
end

for i = 5, #ARGV, 5 do
  local room, mine, due = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local at = redis.call('ZSCORE', rooms, room)
  if at == mine then
    if due ~= '?' then size(room, tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4])) end
    if due == '-' then
      redis.call('ZREM', rooms, room)
      released[#released + 1] = room
    elseif due ~= '?' and tonumber(due) > ahead then
      redis.call('ZADD', rooms, due, room)
      released[#released + 1] = room
    else
      claim(room, kept)
    end
  elseif at and tonumber(at) < tonumber(mine) then
    -- Something was added since.
    claim(room, claimed)
  else
    -- Another node looks after it, or nobody has to.
    released[#released + 1] = room
  end
end
for _, room in ipairs(redis.call('ZRANGEBYSCORE', rooms, '-inf', ahead, 'LIMIT', 0, ARGV[4])) do claim(room, claimed) end

local totals = redis.call('HMGET', sizes, ':count', ':bytes')
return { tonumber(totals[1] or 0), tonumber(totals[2] or 0), claimed, released, kept }
