-- Appends a batch of records to the log of one room, or only looks whether the room is what the caller takes it for.
-- Everything that must agree between nodes is decided here, in one step: offsets, timestamps, epochs, which of two
-- publishes with the same key was first, who writes too soon for the room's slow mode, what a room with too much to show
-- leaves out, and what is trimmed.
-- Where the batch is `due`, it is what waits in the room and has come to its time: taken from there and put into the log
-- in this same step, so that whoever asks for it how often, each is there once.
--
-- KEYS  1 meta hash   2 stream   3 recent keys   4 older keys   5 channel        (keys.ts; all in one slot)
--       6 numbers that wait, by time   7 what waits, by number   8 their idempotency keys
--       9 users whom slow mode binds, by when they wrote, Unix ms
-- ARGV  1 node: names one life of the calling node
--       2 number of the batch: grows with each batch of that node in that room; a batch that is sent again has the same
--       3 epoch the caller knows, or '-'
--       4 highest offset the caller has shown in that epoch
--       5 epoch to use where a new one must begin
--       6 records to retain        7 records to keep at most while the dispatch group has not read them
--       8 milliseconds after which an untouched room is forgotten
--       9 life of an idempotency key, ms       10 keys to remember at least
--      11 offsets that are burned where the server may have lost some that were given; some times as many, see `burned`
--      12 TLV log records, back to back (wire/src/tlv-layout.ts), offset and timestamp not set; due: their bytes at most
--      13 how many; due: 'due N', N at most
--      14 settings: '' = no change, else the text they had, LF, the text they get
--      15 their maxRate           16 their slowModeMs
--      17 whom slow mode binds: '' = nobody, '*' = the sender of each record, else a letter per record: b bound, - not
--      18 users to remember for it at most
--      19… of each record with a key: its place (from 1), then 'uid LF key'
-- Reply, words parted by spaces:
--      status    ok | again (this batch was written before; the same answer) | conflict (settings were others; nothing done)
--      epoch base first ts taken outcomes repeats unread
--      base      head before the batch. Offsets between it and `first` are burned.
--      outcomes  '-' = all taken; else a letter per record: t taken, s taken but left out of what viewers see, r repeat,
--                w repeat of one that waits for its time, l refused: its sender has to wait
--      repeats   '-', or by commas offset:ts of the first publish for each r, number:time of what waits for each w, 0:ms to
--                wait for each l
--      unread    records trimmed before the dispatch group had read them
-- Reply to `due`:
--      due now next left bytes unread late
--      next      when the first of those left is due, or '-'
--      late      '-', or by how many ms each that was put into the log is late, by commas
-- Published on the channel: node number epoch base first ts count outcomes LF records
-- and of what was due:      - 0 epoch base first ts count outcomes numbers LF records

local format = string.format
local function text(number) return format('%.0f', number) end

local meta, stream, keys, older, channel = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local waiting, kept, waitingKeys, writers = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local node, number, shown, count = ARGV[1], ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[13])
local blob = ARGV[12]
local dueMax = string.match(ARGV[13], '^due (%d+)$')
local mine = 'batch:' .. node

local m = redis.call('HMGET', meta, 'epoch', 'head', 'ts', 'server', 'settings', 'dispatched', 'maxRate', 'tokens',
  'filledAt', 'keysAt', 'touched', 'fences', 'fenced', mine, 'slowModeMs')
local epoch, head, lastTs, server = m[1], tonumber(m[2] or 0), tonumber(m[3] or 0), m[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- What is due, before anything is changed: mostly nothing is, when two nodes ask at once.
local identities, numbers, late = {}, {}, {}
local function answerDue(unread)
  local nextOne = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')
  local left = redis.call('ZCARD', waiting)
  return table.concat({ 'due', text(now), nextOne[2] and text(tonumber(nextOne[2])) or '-', left,
    left > 0 and redis.call('HGET', kept, 'bytes') or 0, unread, #late > 0 and table.concat(late, ',') or '-' }, ' ')
end
if dueMax then
  local due = redis.call('ZRANGEBYSCORE', waiting, '-inf', text(now), 'WITHSCORES', 'LIMIT', 0, dueMax)
  local records, bytes = {}, 0
  for i = 1, #due, 2 do
    -- The record, behind its time, the length of its key, and its key.
    local row = redis.call('HGET', kept, due[i])
    local deliverAt, keyBytes, from = string.match(row, '^(%d+) (%d+)\n()')
    local record = string.sub(row, from + keyBytes)
    if bytes > 0 and bytes + #record > tonumber(ARGV[12]) then break end
    bytes = bytes + #record
    records[#records + 1] = record
    numbers[#numbers + 1] = due[i]
    late[#late + 1] = text(now - deliverAt)
    if keyBytes ~= '0' then identities[#numbers] = string.sub(row, from, from + keyBytes - 1) end
  end
  count = #numbers
  if count == 0 then return answerDue(0) end
  blob = table.concat(records)
end

local here = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local base = head
local set = {}
local function put(field, value) set[#set + 1] = field; set[#set + 1] = value end

-- Is the room what it was?
-- `fences` are the stretches that were burned because the server may have lost some of them, newest first, `fenced` is the
-- end of the newest one: whoever has shown an offset of one of them has shown what is lost.
-- Each life of a server burns its own number of them, so that two that go on from the same head give different ones.
local burned = ARGV[11] * (1 + tonumber(string.sub(here, 1, 2), 16))
local isLost = false
if epoch and epoch == ARGV[3] then
  isLost = shown > head
  if not isLost and m[13] and shown < tonumber(m[13]) then
    for from, to in string.gmatch(m[12] or '', '(%d+)-(%d+)') do
      if shown > tonumber(from) and shown < tonumber(to) then isLost = true end
    end
  end
end
if not epoch then
  -- New, or lost with all that it held.
  epoch = ARGV[5]
  local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  if newest then head = math.max(head, tonumber(string.match(newest[1], '^%d+'))) end
  -- Others may have shown more than the caller.
  head = math.max(head, ARGV[3] == '-' and shown or shown + burned)
  base = head
  put('epoch', epoch)
elseif isLost then
  -- The caller has shown what this log does not know; others may have shown more of it.
  epoch = ARGV[5]
  if shown > head or server ~= here then head = math.max(head, shown) + burned end
  put('epoch', epoch)
elseif server ~= here then
  -- Another life of the server, or a replica that took over: its newest offsets may be lost. What was given and may have
  -- been shown is not given again.
  local fences = text(head) .. '-' .. text(head + burned)
  for fence in string.gmatch(m[12] or '', '%S+') do
    if #fences < 400 then fences = fences .. ' ' .. fence end
  end
  put('fences', fences)
  head = head + burned
  put('fenced', text(head))
elseif epoch ~= ARGV[3] and shown > head then
  head = shown
end
if server ~= here then put('server', here) end
if epoch ~= m[1] then
  -- Which records are of which epoch, for those who read the stream later.
  put('epochFrom', text(head))
  put('epochBefore', m[1] or '')
end

-- Was this batch written before, and only the answer lost? Also where a new epoch is due since: the next batch begins it.
if m[14] and not dueMax then
  local before, answer = string.match(m[14], '^(%d+) (.*)$')
  if before == number then
    -- Written once more as it is, so that a WAIT on this connection is about the batch.
    redis.call('HSET', meta, mine, m[14])
    return 'again ' .. answer
  end
end

local function conflict()
  return 'conflict ' .. table.concat({ epoch, text(base), text(head), text(lastTs), 0, '-', '-', 0 }, ' ')
end
if ARGV[14] ~= '' then
  local expected, wanted = string.match(ARGV[14], '^([^\n]*)\n(.*)$')
  if (m[5] or '') ~= expected then return conflict() end
  put('settings', wanted)
  put('maxRate', ARGV[15])
  m[7] = ARGV[15]
  m[9] = false
  -- Another time begins anew, for everybody.
  if (m[15] or '0') ~= ARGV[16] then redis.call('UNLINK', writers) end
  put('slowModeMs', ARGV[16])
end

local ts = math.max(now, lastTs)
local tsText = text(ts)

-- Idempotency keys: two hashes, the older of which is dropped when the newer is full or has lived for a key's life.
for i = 19, #ARGV, 2 do identities[tonumber(ARGV[i])] = ARGV[i + 1] end
local keyLife = tonumber(ARGV[9])
local hasKeys = next(identities) ~= nil
local isAnyWaiting = hasKeys and not dueMax and redis.call('EXISTS', waitingKeys) == 1
if hasKeys then
  local keysAt = tonumber(m[10] or 0)
  if now - keysAt > keyLife or redis.call('HLEN', keys) >= tonumber(ARGV[10]) then
    if redis.call('EXISTS', keys) == 1 then redis.call('RENAME', keys, older) else redis.call('DEL', older) end
    put('keysAt', text(now))
  end
end

-- A bucket of tokens as in core/src/rooms/rate-sampler.ts; classes by their number.
local maxRate = tonumber(m[7] or 0)
local tokens, capacity, least
if maxRate > 0 then
  local perMs = maxRate / 1000
  capacity = math.max(1, perMs * 250)
  tokens = capacity
  if m[9] then tokens = math.min(capacity, tonumber(m[8]) + math.max(0, now - tonumber(m[9])) * perMs) end
  least = { [0] = 0.3 * capacity, [1] = 0.15 * capacity, [2] = 0 }
end

-- Slow mode. What comes due was sent by those whom it does not bind.
local slowMs, bound = tonumber(m[15] or 0), ARGV[17]
local isSlow = slowMs > 0 and bound ~= '' and not dueMax

local MODES = { [0] = 'scroll', 'reverse', 'top', 'bottom' }
local CLASSES = { [0] = 'normal', 'member', 'moderator', 'paid', 'system' }
-- Upper half of the header of a danmaku of mode scroll, size 25 and class normal; its color.
local PLAIN, WHITE = 2 + 32 * (25 - 12), 16777215
local unpackFrom, byte, cut, call = struct.unpack, string.byte, string.sub, redis.call
local first = head + 1
local at, taken = 1, 0
-- Filled only from the first record that was not simply taken.
local outcomes, repeats, allTaken = {}, {}, true
local isSampling = maxRate > 0
local isQuick = not (isSampling or isSlow or dueMax)
local function outcome(i, letter)
  if allTaken then
    for before = 1, i - 1 do outcomes[before] = 't' end
    allTaken = false
  end
  outcomes[i] = letter
end

-- Returns 0 where a user may write, who from now on has written, else the ms until that.
local function tooSoon(uid)
  -- Mostly those who may are not among those who are remembered.
  if call('ZADD', writers, 'NX', text(now), uid) == 1 then return 0 end
  local wrote = tonumber(call('ZSCORE', writers, uid))
  -- A time in the future means that the clock was set back: nobody waits for it.
  if wrote <= now and now - wrote < slowMs then return wrote + slowMs - now end
  call('ZADD', writers, text(now), uid)
  return 0
end

-- One record of any kind. Returns whether it was taken.
local function append(i, length, kind, style)
  local stop = at + length - 1
  local identity = identities[i]
  local known = identity and not dueMax and (call('HGET', keys, identity) or call('HGET', older, identity))
  if known and now - tonumber(string.match(known, ':(%d+)$')) > keyLife then known = false end
  local waits = not known and isAnyWaiting and identity and call('HGET', waitingKeys, identity)
  if known or waits then
    outcome(i, known and 'r' or 'w')
    repeats[#repeats + 1] = known or waits
    return false
  end
  local offset = text(head + taken + 1)
  local aux = math.floor(kind / 32)
  local entry = { 'timestamp', tsText }
  local function add(field, value) entry[#entry + 1] = field; entry[#entry + 1] = value end
  local seen = true
  if kind % 32 == 3 then
    add('type', 'delete')
    if aux % 2 == 1 then
      add('ofUid', cut(blob, at + 16, stop))
    else
      add('of', text(style + 4294967296 * unpackFrom('<I4', blob, at + 20)))
    end
  else
    local class = math.floor(aux / 256)
    local color = style % 16777216
    local uidEnd = at + 19 + math.floor(style / 16777216) % 64 + 1
    local nameBytes, attrsBytes, uidAt = 0, 0, at + 20
    if math.floor(style / 1073741824) % 2 == 1 then
      local word5 = unpackFrom('<I4', blob, at + 20)
      nameBytes, attrsBytes = word5 % 256, math.floor(word5 / 256)
      uidAt, uidEnd = at + 24, uidEnd + 4
    end
    local contentAt = uidEnd + nameBytes + attrsBytes + 1
    local uid = cut(blob, uidAt, uidEnd)
    if isSlow and (bound == '*' or byte(bound, i) == 98) then
      local waitMs = tooSoon(uid)
      if waitMs > 0 then
        outcome(i, 'l')
        repeats[#repeats + 1] = '0:' .. text(waitMs)
        return false
      end
    end
    if isSampling then
      seen = class >= 3 or tokens > least[class]
      if seen then tokens = math.max(tokens - 1, -capacity) end
    end
    add('uid', uid)
    add('content', cut(blob, contentAt, stop))
    if color ~= WHITE or kind ~= PLAIN then
      add('mode', MODES[math.floor(aux / 64) % 4])
      add('color', format('#%06x', color))
      add('size', aux % 64 + 12)
      add('class', CLASSES[class])
    end
    if nameBytes > 0 then add('name', cut(blob, uidEnd + 1, uidEnd + nameBytes)) end
    if attrsBytes > 0 then add('attrs', cut(blob, uidEnd + nameBytes + 1, contentAt - 1)) end
    if not seen then add('sampled', '1') end
    if dueMax then add('scheduled', tonumber(numbers[i])) end
  end
  call('XADD', stream, offset .. '-0', unpack(entry))
  if identity then call('HSET', keys, identity, offset .. ':' .. tsText) end
  if not seen then outcome(i, 's') elseif not allTaken then outcomes[i] = 't' end
  return true
end

-- The shorter form is the quicker one; some servers' integers end at 2^31.
local idForm = head + count < 2147483648 and '%d-0' or '%.0f-0'
for i = 1, count do
  -- Four bytes of the header, three of the color, and uid's length with the flags: cheaper than `unpackFrom`.
  local l0, l1, k0, k1 = byte(blob, at, at + 3)
  local c0, c1, c2, uid = byte(blob, at + 16, at + 19)
  local length, kind = l0 + 256 * l1, k0 + 256 * k1
  if kind == PLAIN and c0 == 255 and c1 == 255 and c2 == 255 and uid < 64 and isQuick
    and not (hasKeys and identities[i]) then
    -- Most are like this one, and it takes half as long as `append`.
    taken = taken + 1
    local uidEnd = at + 20 + uid
    call('XADD', stream, format(idForm, head + taken), 'timestamp', tsText, 'uid', cut(blob, at + 20, uidEnd),
      'content', cut(blob, uidEnd + 1, at + length - 1))
    if not allTaken then outcomes[i] = 't' end
  elseif append(i, length, kind, c0 + 256 * c1 + 65536 * c2 + 16777216 * uid) then
    taken = taken + 1
  end
  at = at + length + -length % 4
end
head = head + taken

-- Only now, when they are in the log: a server that is out of memory refuses what adds, not what removes.
if dueMax then
  redis.call('ZREM', waiting, unpack(numbers))
  redis.call('HDEL', kept, unpack(numbers))
  redis.call('HINCRBY', kept, 'bytes', -#blob)
  for _, identity in pairs(identities) do redis.call('HDEL', waitingKeys, identity) end
  -- The numbers given are remembered for as long as the room is.
  if redis.call('EXISTS', waiting) == 0 then redis.call('PEXPIRE', kept, ARGV[8]) end
end

-- Those whom slow mode binds no longer, a part of them each time, and beyond a bound those who wrote longest ago.
if isSlow and taken > 0 then
  call('ZREMRANGEBYSCORE', writers, '(' .. text(now), '+inf')
  local free = math.min(call('ZCOUNT', writers, '-inf', text(now - slowMs)), 2 * count + 100)
  free = math.max(free, call('ZCARD', writers) - tonumber(ARGV[18]))
  if free > 0 then call('ZREMRANGEBYRANK', writers, 0, free - 1) end
  call('PEXPIRE', writers, text(slowMs + 1000))
end

-- Trimming: whole nodes of the stream, and never what the dispatch group has still to read.
local unread = 0
if taken > 0 then
  local retain, cap = tonumber(ARGV[6]), tonumber(ARGV[7])
  local excess = call('XLEN', stream) - retain
  if excess > 0 then
    if not m[6] then
      call('XTRIM', stream, 'MAXLEN', '~', retain)
    else
      local gone = call('XTRIM', stream, 'MINID', '~', text(tonumber(m[6]) + 1), 'LIMIT', excess)
      if excess - gone + retain > cap then unread = call('XTRIM', stream, 'MAXLEN', '~', cap) end
      if unread > 0 then call('HINCRBY', meta, 'unread', unread) end
    end
  end
end

local shape = allTaken and '-' or table.concat(outcomes)
local answer = table.concat({ epoch, text(base), text(first), tsText, taken, shape,
  #repeats > 0 and table.concat(repeats, ',') or '-', text(unread) }, ' ')
put('head', text(head))
if count > 0 and not dueMax then put(mine, number .. ' ' .. answer) end
if taken > 0 or ARGV[14] ~= '' then put('ts', tsText) end
if maxRate > 0 then put('tokens', format('%.3f', tokens)); put('filledAt', text(now)) end

-- Now and then: how long the room is kept, and what other lives of nodes left in it.
local ttl = tonumber(ARGV[8])
if not m[11] or now - tonumber(m[11]) > math.min(ttl / 16, 3600000) then
  put('touched', text(now))
  local fields = redis.call('HGETALL', meta)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 6) == 'batch:' and fields[i] ~= mine then
      local written = tonumber(string.match(fields[i + 1], '^%d+ %S+ %d+ %d+ (%d+)') or 0)
      if now - written > 3600000 then redis.call('HDEL', meta, fields[i]) end
    end
  end
  redis.call('HSET', meta, unpack(set))
  -- A room that nobody has written to is only a name.
  redis.call('PEXPIRE', meta, text(head == 0 and math.min(ttl, 3600000) or ttl))
  redis.call('PEXPIRE', stream, text(ttl))
else
  redis.call('HSET', meta, unpack(set))
end
if hasKeys then
  redis.call('PEXPIRE', keys, text(2 * keyLife))
  redis.call('PEXPIRE', older, text(2 * keyLife))
end

if taken > 0 or ARGV[14] ~= '' or epoch ~= m[1] or first ~= base + 1 then
  local head = { node, number, epoch, text(base), text(first), tsText, count, shape }
  if dueMax then
    -- From nobody: the node that asked gets it like all others.
    head[1], head[2], head[9] = '-', 0, table.concat(numbers, ',')
  end
  redis.call('SPUBLISH', channel, table.concat(head, ' ') .. '\n' .. blob)
end
if dueMax then return answerDue(unread) end
return 'ok ' .. answer
