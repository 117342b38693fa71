-- POST /api/v1/sales/ of BENCH_LINES lines, one unit each: of any products
-- that any store has (bench/data.sql: 35 in each of a hundred), or, with
-- BENCH_HOT, always of the same ones of one store.

dofile(os.getenv("BENCH_LUA") .. "/report.lua")

function init()
    local list = {}
    local lines = tonumber(os.getenv("BENCH_LINES"))
    local hot = os.getenv("BENCH_HOT")
    local headers = {
        ["Content-Type"] = "application/json",
        ["Authorization"] = "Token token-430",
    }

    for n = 1, 3500 do
        local store = hot and 7 or 1 + n % 100
        local first = hot and 0 or math.floor(n / 100)
        local parts = {}

        for line = 0, lines - 1 do
            parts[#parts + 1] = string.format(
                '{"produit":%d,"quantite":1}',
                1 + (store * 7 + (first + line * 11) % 35 * 29) % 1000)
        end
        list[n] = wrk.format(
            "POST", "/api/v1/sales/", headers,
            string.format('{"magasin":%d,"lignes":[%s]}', store,
                          table.concat(parts, ",")))
    end
    choose(list)
end
