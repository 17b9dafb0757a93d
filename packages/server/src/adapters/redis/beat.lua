-- Which nodes are alive.
--
-- KEYS  1 sorted set: node by the time of its last beat, ms
-- ARGV  1 node that beats; '' = none       2 node that ends; '' = none
--       3 ms after which a silent node counts as gone
-- Reply { node, … }: those alive.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] ~= '' then redis.call('ZADD', KEYS[1], now, ARGV[1]) end
if ARGV[2] ~= '' then redis.call('ZREM', KEYS[1], ARGV[2]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 60000)
return redis.call('ZRANGEBYSCORE', KEYS[1], now - tonumber(ARGV[3]), '+inf')
