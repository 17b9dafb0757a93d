-- What a node wants to know of a room now and then, and its own share of the viewers.
--
-- KEYS  1 meta hash   2 hash of viewers by node   3 hash of mutes and bans   4 numbers of danmaku that wait, by time
-- ARGV  1 node   2 its viewers in the room; '-' = unknown   3 milliseconds to keep the room for, at least
-- Reply { epoch, head, ts, settings, server is the one that wrote last (1 or 0), revision of the mutes and bans,
--         ms until a waiting danmaku is due or '-', node, viewers, node, viewers, … };
-- nil as the epoch where there is no such room.

local meta, online = KEYS[1], KEYS[2]
if ARGV[2] ~= '-' then
  if ARGV[2] == '0' then
    redis.call('HDEL', online, ARGV[1])
  elseif redis.call('HGET', online, ARGV[1]) ~= ARGV[2] then
    redis.call('HSET', online, ARGV[1], ARGV[2])
  end
end
local m = redis.call('HMGET', meta, 'epoch', 'head', 'ts', 'settings', 'server')
if m[1] and tonumber(ARGV[3]) > 0 then
  -- A room with viewers is not forgotten under them, nor their number.
  if redis.call('PTTL', meta) < tonumber(ARGV[3]) then redis.call('PEXPIRE', meta, ARGV[3]) end
  redis.call('PEXPIRE', online, ARGV[3])
end
local here = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local due = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')[2]
if due then
  local time = redis.call('TIME')
  due = string.format('%.0f', due - time[1] * 1000 - math.floor(time[2] / 1000))
end
local reply = { m[1], m[2] or '0', m[3] or '0', m[4] or '', m[5] == here and 1 or 0,
  redis.call('HGET', KEYS[3], 'revision') or '', due or '-' }
for _, word in ipairs(redis.call('HGETALL', online)) do reply[#reply + 1] = word end
return reply
