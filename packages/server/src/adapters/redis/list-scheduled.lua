-- What waits for its time in one room, by time and number, after a place.
--
-- KEYS  1 numbers that wait, by time   2 what waits, by number
-- ARGV  1 time of the place, Unix ms   2 its number, as text of ten digits   3 how many at most
-- Reply { number, row, number, row, … }; see append.lua for a row.

local waiting, kept = KEYS[1], KEYS[2]
-- Among those of the same time a binary search: there may be thousands.
local low = redis.call('ZCOUNT', waiting, '-inf', '(' .. ARGV[1])
local high = redis.call('ZCOUNT', waiting, '-inf', ARGV[1])
while low < high do
  local middle = math.floor((low + high) / 2)
  if redis.call('ZRANGE', waiting, middle, middle)[1] <= ARGV[2] then low = middle + 1 else high = middle end
end
local reply = {}
for _, number in ipairs(redis.call('ZRANGE', waiting, low, low + ARGV[3] - 1)) do
  reply[#reply + 1] = number
  reply[#reply + 1] = redis.call('HGET', kept, number)
end
return reply
