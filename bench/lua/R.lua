local flows = require "keyed"

function request()
  return flows.read()
end
