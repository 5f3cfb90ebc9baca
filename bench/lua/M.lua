local flows = require "keyed"
local common = require "common"

function request()
  return common.mixed(flows)
end
