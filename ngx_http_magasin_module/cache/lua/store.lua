-- Store an answer.  KEYS[1]: where; ARGV[1]: the tag of the generations as
-- they were before it was fetched; ARGV[2]: the answer; ARGV[3]: milliseconds
-- to live.  Under a tag that is not current any more it is never read.
redis.call('HSET', KEYS[1], 'tag', ARGV[1], 'answer', ARGV[2])

return redis.call('PEXPIRE', KEYS[1], ARGV[3])
