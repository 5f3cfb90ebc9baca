local flows = require "keyed"

function request()
  return flows.list(50)
end
