-- Anonymous clients that will not have what a cache has, and that come again
-- a second after they were refused.

wrk.headers["Cache-Control"] = "no-cache"

local refused = false

response = function(status)
    refused = status == 503
end

delay = function()
    return refused and 1000 or 0
end
