-- What the requests of all cases share: a seed for each thread, and one line
-- at the end that the caller reads.
--
-- done() hands over the latencies in microseconds.

local threads = 0

function setup(thread)
    threads = threads + 1
    thread:set("number", threads)
end

function done(summary, latency)
    local e = summary.errors
    io.write(string.format(
        "result %d %d %d %d %d %d %d %d %d\n", summary.requests,
        summary.duration, e.connect, e.read, e.write, e.status, e.timeout,
        latency:percentile(50), latency:percentile(99)))
end

-- choose(list): give the requests of the list in a random order, for ever.
-- They are written out beforehand, so that the generator costs little.
function choose(list)
    local n = #list
    local random = math.random

    math.randomseed(os.time() * 16 + number)
    request = function()
        return list[random(n)]
    end
end
