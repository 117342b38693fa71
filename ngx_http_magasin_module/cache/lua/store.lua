-- Store an answer.  KEYS[1]: its key; ARGV[1]: the generations from before it
-- was fetched, as read.lua gave them; ARGV[2]: the answer; ARGV[3]: milliseconds
-- to live.  An answer under generations that are not current is never read.  The
-- field 'life' is for those who do not ask for all of it in one command.
redis.call('HSET', KEYS[1], 'tag', ARGV[1], 'answer', ARGV[2], 'life', ARGV[3])

return redis.call('PEXPIRE', KEYS[1], ARGV[3])
