local flows = require "keyed"

function request()
  return flows.update()
end
