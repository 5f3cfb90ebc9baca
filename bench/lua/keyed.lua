-- The load bench's own requests, each with the key of its workspace (see ../keys.py).
local common = require "common"
local plain = common.headers

function common.headers(workspace)
  local headers = plain(workspace)
  headers["x-api-key"] = string.format("mfk_%040d", tonumber(workspace:sub(3)))
  return headers
end

return require "ours/flows"
