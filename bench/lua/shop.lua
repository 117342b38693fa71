-- A shop's mixed load: 75 % products by Zipf's law, 15 % new prices by the same
-- law, 5 % pages of the stock list of a store, 5 % sales of one line.

dofile(os.getenv("BENCH_LUA") .. "/report.lua")

function init()
    local list = {}
    local draw = zipf(1000)
    local random = math.random
    local headers = {
        ["Content-Type"] = "application/json",
        ["Authorization"] = "Token token-430",
    }

    math.randomseed(os.time() * 16 + number)

    for n = 1, 20000 do
        local part = n % 20
        local store = random(100)

        if part < 15 then
            list[n] = wrk.format("GET", "/api/v1/products/" .. draw() .. "/")
        elseif part < 18 then
            list[n] = wrk.format(
                "PUT", "/api/v1/products/" .. draw() .. "/", headers,
                string.format('{"prix": "%d.%02d"}', random(999), random(99)))
        elseif part < 19 then
            list[n] = wrk.format(
                "GET", "/api/v1/stores/" .. store .. "/stock/list/")
        else
            list[n] = wrk.format(
                "POST", "/api/v1/sales/", headers,
                string.format(
                    '{"magasin":%d,"lignes":[{"produit":%d,"quantite":1}]}',
                    store, 1 + (store * 7 + random(0, 34) * 29) % 1000))
        end
    end
    choose(list)
end
