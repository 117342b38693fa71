-- PUT /api/v1/products/{id}/ with a new price: of a thousand products, or of
-- the one that BENCH_HOT names.

dofile(os.getenv("BENCH_LUA") .. "/report.lua")

function init()
    local list = {}
    local hot = os.getenv("BENCH_HOT")
    local headers = {
        ["Content-Type"] = "application/json",
        ["Authorization"] = "Token token-430",
    }

    for n = 1, 4000 do
        list[n] = wrk.format(
            "PUT",
            "/api/v1/products/" .. (hot or 1 + n % 1000) .. "/",
            headers,
            string.format('{"prix": "%d.%02d"}', n * 7 % 1000, n % 100))
    end
    choose(list)
end
