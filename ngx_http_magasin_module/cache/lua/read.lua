-- Read an answer, if it is valid.  KEYS[1]: the answer; the other keys: the
-- generations that it depends on.  ARGV[1]: a token that nobody else uses, for
-- generations that are not there (never set, invalidated, expired or evicted):
-- no answer was stored under it.  ARGV[2]: seconds that a generation lives.
--
-- Returns the present generations as one text.  With a valid answer it returns
-- also the answer and the milliseconds that it has to live.  The field 'tag' of
-- an answer is the text of the generations that it was stored under.
local generations = redis.call('MGET', unpack(KEYS, 2))

for i = 1, #KEYS - 1 do
    if not generations[i] then
        generations[i] = ARGV[1]
        redis.call('SET', KEYS[i + 1], ARGV[1], 'EX', ARGV[2])
    end
end

local present = table.concat(generations, ',')

if redis.call('HGET', KEYS[1], 'tag') ~= present then
    return {present}
end

return {present, redis.call('HGET', KEYS[1], 'answer'),
        redis.call('PTTL', KEYS[1])}
