-- What a shop does, in one mix: 75 % reads of what is cached (products and the
-- stock of stores; one in 200 is the dashboard, one the reports), 15 % new
-- prices, 5 % lists of products, 5 % sales.

dofile(os.getenv("BENCH_LUA") .. "/report.lua")

function init()
    local list = {}
    local headers = {
        ["Content-Type"] = "application/json",
        ["Authorization"] = "Token token-430",
    }

    for n = 1, 4000 do
        local part = n % 20
        local store = 1 + n % 100

        if n % 200 == 0 then
            list[n] = wrk.format(
                "GET", n % 400 == 0 and "/api/v1/reports/"
                       or "/api/v1/dashboard/")
        elseif part < 12 then
            list[n] = wrk.format(
                "GET", "/api/v1/products/" .. 1 + n * 7 % 1000 .. "/")
        elseif part < 15 then
            list[n] = wrk.format("GET",
                                 "/api/v1/stores/" .. store .. "/stock/")
        elseif part < 18 then
            list[n] = wrk.format(
                "PUT", "/api/v1/products/" .. 1 + n * 13 % 1000 .. "/",
                headers,
                string.format('{"prix": "%d.%02d"}', n * 7 % 1000, n % 100))
        elseif part < 19 then
            list[n] = wrk.format("GET", "/api/v1/products/?limit=20")
        else
            list[n] = wrk.format(
                "POST", "/api/v1/sales/", headers,
                string.format(
                    '{"magasin":%d,"lignes":[{"produit":%d,"quantite":1}]}',
                    store, 1 + (store * 7 + n % 35 * 29) % 1000))
        end
    end
    choose(list)
end
