-- Invalidate the answers that depend on the generations KEYS, by deleting
-- these keys: a Redis whose memory is full can do that, too.  Publish ARGV[2]
-- on channel ARGV[1] for the other nodes.  Without KEYS the message is a
-- heartbeat.
if #KEYS > 0 then
    redis.call('DEL', unpack(KEYS))
end

return redis.call('PUBLISH', ARGV[1], ARGV[2])
