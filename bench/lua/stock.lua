-- GET /api/v1/stores/{id}/stock/ of a hundred stores.

dofile(os.getenv("BENCH_LUA") .. "/report.lua")

function init()
    local list = {}

    for id = 1, 100 do
        list[id] = wrk.format("GET", "/api/v1/stores/" .. id .. "/stock/")
    end
    choose(list)
end
