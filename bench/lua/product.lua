-- GET /api/v1/products/{id}/ of a thousand products.

dofile(os.getenv("BENCH_LUA") .. "/report.lua")

function init()
    local list = {}

    for id = 1, 1000 do
        list[id] = wrk.format("GET", "/api/v1/products/" .. id .. "/")
    end
    choose(list)
end
