-- An answer, when it is valid.  KEYS[1]: the answer; the others: the
-- generations that it depends on.  ARGV[1]: a token that nobody else uses,
-- for generations that are not there: never set, invalidated, expired or
-- evicted, they come back as others than any answer was stored under;
-- ARGV[2]: the seconds that a generation lives.  Returns the tag of the
-- present generations; with a valid answer also that, and its milliseconds.
local generations = redis.call('MGET', unpack(KEYS, 2))

for i = 1, #KEYS - 1 do
    if not generations[i] then
        generations[i] = ARGV[1]
        redis.call('SET', KEYS[i + 1], ARGV[1], 'EX', ARGV[2])
    end
end

local tag = table.concat(generations, ',')

if redis.call('HGET', KEYS[1], 'tag') ~= tag then
    return {tag}
end

return {tag, redis.call('HGET', KEYS[1], 'answer'),
        redis.call('PTTL', KEYS[1])}
