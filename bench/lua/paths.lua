-- GET any of the paths in BENCH_PATHS, which stand on a line each.

dofile(os.getenv("BENCH_LUA") .. "/report.lua")

function init()
    local list = {}

    for path in os.getenv("BENCH_PATHS"):gmatch("[^\n]+") do
        list[#list + 1] = wrk.format("GET", path)
    end
    choose(list)
end
