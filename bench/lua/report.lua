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

-- zipf(n): a function that draws numbers from 1 to n; the k-th comes 1/k as
-- often as the first.
function zipf(n)
    local sums = {}
    local sum = 0

    for k = 1, n do
        sum = sum + 1 / k
        sums[k] = sum
    end

    return function()
        local point = math.random() * sum
        local low, high = 1, n

        while low < high do
            local middle = math.floor((low + high) / 2)
            if sums[middle] < point then
                low = middle + 1
            else
                high = middle
            end
        end
        return low
    end
end
