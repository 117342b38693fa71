-- Invalidate all that depends on the generations KEYS, by forgetting these:
-- that needs no memory, so that a Redis which is full can do it too.  The
-- nodes that listen on channel ARGV[1] are told ARGV[2].  Without KEYS it is a
-- sign of life.
if #KEYS > 0 then
    redis.call('DEL', unpack(KEYS))
end

return redis.call('PUBLISH', ARGV[1], ARGV[2])
