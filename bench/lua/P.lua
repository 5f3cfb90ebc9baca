local flows = require "keyed"

function request()
  return flows.put()
end
