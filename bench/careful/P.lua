-- A PUT of one leaf as a careful client sends it through a proxy: under a key of its own, with what proxies and traces add.
local flows = require "keyed"
local common = require "common"
local plain = common.headers
local run = os.time() * 1000 + math.random(999)
local number = 0

function common.headers(workspace)
  local headers = plain(workspace)
  number = number + 1
  headers["idempotency-key"] = string.format("%d-%s-%d", run, tostring(headers):sub(8), number)
  headers["x-request-id"] = string.format("%032x", number)
  headers["x-forwarded-for"] = string.format("192.0.2.%d", number % 250)
  headers["traceparent"] = string.format("00-%032x-%016x-01", number, number)
  return headers
end

function request()
  return flows.put()
end
