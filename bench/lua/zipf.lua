-- Products by Zipf's law (the n-th is asked for 1/n as often as the first),
-- with BENCH_WRITES percent of new prices by the same law; where the answers
-- came from is counted, too.

dofile(os.getenv("BENCH_LUA") .. "/report.lua")

local threads = {}
local count = setup
local report = done

function setup(thread)
    count(thread)
    threads[#threads + 1] = thread
end

function init()
    local list = {}
    local draw = zipf(1000)
    local writes = tonumber(os.getenv("BENCH_WRITES"))
    local headers = {
        ["Content-Type"] = "application/json",
        ["Authorization"] = "Token token-430",
    }

    states = {}
    math.randomseed(os.time() * 16 + number)

    for n = 1, 20000 do
        local path = "/api/v1/products/" .. draw() .. "/"

        if math.random(100) <= writes then
            list[n] = wrk.format("PUT", path, headers, string.format(
                '{"prix": "%d.%02d"}', math.random(999), math.random(99)))
        else
            list[n] = wrk.format("GET", path)
        end
    end
    choose(list)
end

function response(status, headers)
    local state = headers["X-Magasin-Cache"]

    if state then
        states[state] = (states[state] or 0) + 1
    end
end

function done(summary, latency)
    local total = {}

    for _, thread in ipairs(threads) do
        for state, n in pairs(thread:get("states")) do
            total[state] = (total[state] or 0) + n
        end
    end
    for state, n in pairs(total) do
        io.write(string.format("state %s %d\n", state, n))
    end
    report(summary, latency)
end
