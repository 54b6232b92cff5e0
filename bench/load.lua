-- SPDX-License-Identifier: EPL-2.0
-- What wrk sends:  wrk -s load.lua URL -- METHOD PATH [VALUES FIRST COUNT]
--
-- With COUNT, PATH is followed by a number drawn from FIRST, FIRST + 1, ...; a
-- PUT and a POST of JSON send one of the files VALUES.0 to VALUES.3 (see values.py).  The token is
-- in the environment, where no process list shows it.  Ends with a line of JSON.

local COPIES = 4
local first, count, heads, bodies

local function contents(path)
	local file = assert(io.open(path, "rb"))
	local bytes = file:read("*a")

	file:close()
	return bytes
end

function init(args)
	local method, path, values = args[1], args[2], args[3]
	local fields = " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " .. os.getenv("BENCH_TOKEN") .. "\r\n"

	math.randomseed(os.time())
	first, count = tonumber(args[4] or 0), tonumber(args[5] or 0)
	heads = method .. " " .. path
	if method == "POST" then
		fields = fields .. "Content-Type: application/json\r\n"
	elseif method ~= "PUT" then
		bodies = { fields .. "\r\n" }
		return
	end
	bodies = {}
	for i = 1, COPIES do
		local body = contents(values .. "." .. (i - 1))

		bodies[i] = fields .. "Content-Length: " .. #body .. "\r\n\r\n" .. body
	end
end

function request()
	local key = count > 0 and string.format("%d", first + math.random(0, count - 1)) or ""

	return heads .. key .. bodies[math.random(#bodies)]
end

function done(summary, latency)
	local errors = summary.errors

	io.write(string.format('{"requests": %d, "us": %d, "p50": %.0f, "p99": %.0f, "max": %.0f, ',
		summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max))
	io.write(string.format('"failed": %d, "broken": %d}\n', errors.status,
		errors.connect + errors.read + errors.write + errors.timeout))
end
