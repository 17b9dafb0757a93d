-- Imposes or lifts a mute or ban, or takes out those that are over. All of a room lie in one hash, those of the site in
-- another one; nodes see by its field `revision` that it has changed.
--
-- KEYS  1 hash of sanctions   2 channel of the room (of the site: a name that nobody listens to)
-- ARGV  1 field: '<kind> <uid>'; '' = take out what is over       2 value: '<until> <since> <by>'; '' = lift
--       3 until, Unix ms, '-' = until it is lifted                4 revision after the change
--       5 the present, Unix ms       6 how many may be there      7 node
-- A hash in which everything has an end lives until the last one.
-- Reply ok | full

local hash, channel = KEYS[1], KEYS[2]
local field, value, ending, now = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5])

local function count()
  return redis.call('HLEN', hash) - redis.call('HEXISTS', hash, 'revision')
end

-- Takes out what is over, and has the hash go with the last that is left.
local function sweep()
  local fields = redis.call('HGETALL', hash)
  local latest = 0
  for i = 1, #fields, 2 do
    if fields[i] ~= 'revision' then
      local stop = string.match(fields[i + 1], '^(%S+)')
      local at = tonumber(stop)
      if stop == '-' then
        latest = nil
      elseif not at or at <= now then
        redis.call('HDEL', hash, fields[i])
      elseif latest then
        latest = math.max(latest, at)
      end
    end
  end
  if count() == 0 then
    redis.call('DEL', hash)
  elseif latest then
    redis.call('PEXPIREAT', hash, string.format('%.0f', latest))
  else
    redis.call('PERSIST', hash)
  end
end

if field == '' then
  sweep()
  return 'ok'
end

if value == '' then
  redis.call('HDEL', hash, field)
  redis.call('HSET', hash, 'revision', ARGV[4])
  sweep()
else
  if redis.call('HEXISTS', hash, field) == 0 and count() >= tonumber(ARGV[6]) then
    sweep()
    if count() >= tonumber(ARGV[6]) then return 'full' end
  end
  -- Without a time to live where something was there before: one of those holds until it is lifted.
  local before = count() == 0 and 0 or redis.call('PEXPIRETIME', hash)
  local old = redis.call('HGET', hash, field)
  redis.call('HSET', hash, field, value, 'revision', ARGV[4])
  if ending == '-' then
    redis.call('PERSIST', hash)
  elseif before >= 0 then
    redis.call('PEXPIREAT', hash, string.format('%.0f', math.max(before, tonumber(ending))))
  elseif old and string.sub(old, 1, 1) == '-' then
    -- Perhaps the last of those.
    sweep()
  end
end
-- News of the room without records: whoever has it open looks at it.
redis.call('SPUBLISH', channel, ARGV[7] .. ' 0 - 0 0 0 0 -\n')
return 'ok'
