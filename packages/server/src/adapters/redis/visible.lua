-- The last offset of a room that viewers may see where it shows what is older than a delay, by the server's clock.
--
-- KEYS  1 stream
-- ARGV  1 head: the last offset that may be told   2 the delay, ms
-- Reply offset. A binary search, since times never decrease.

local stream = KEYS[1]
local time = redis.call('TIME')
local latest = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[2]
local function offsetOf(entry) return tonumber(string.match(entry[1], '^%d+')) end
local function isSeen(entry)
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == 'timestamp' then return tonumber(fields[i + 1]) <= latest end
  end
end
local function id(offset) return string.format('%.0f-0', offset) end

local high = tonumber(ARGV[1])
local newest = redis.call('XREVRANGE', stream, id(high), '-', 'COUNT', 1)[1]
if not newest or isSeen(newest) then return id(high) end
local low = math.min(high, offsetOf(redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]) - 1)
while low < high do
  local middle = math.ceil((low + high) / 2)
  local entry = redis.call('XRANGE', stream, id(middle), id(high), 'COUNT', 1)[1]
  if entry and isSeen(entry) then low = offsetOf(entry) else high = middle - 1 end
end
return id(low)
