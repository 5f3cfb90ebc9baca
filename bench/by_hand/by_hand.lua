-- The same update and read, from clients that write the values into the document: no two requests send the same one.
require "keyed"
local common = require "common"
local by_hand = {}

local function sent(workspace, document)
  return wrk.format("POST", "/graphql", common.headers(workspace), string.format('{"query":"%s"}', document))
end

local UPDATE = common.one_line [[
  mutation { updateMessageFlow(id: \"%s\", input: {settings: {responseSettings: {delay: %d, workingHours: {start: \"%s\"}}}}) {
      messageFlow {
        id name description autopilot updatedAt version
        settings { responseSettings { delay workingHours { start } } }
      }
      errors { code message path }
    }
  }
]]
local READ = [[{ messageFlow(id: \"%s\") { id name autopilot messageChannel updatedAt } }]]

function by_hand.update()
  local id, workspace = common.random_flow()
  return sent(workspace, string.format(UPDATE, id, common.random_delay(), common.random_start()))
end

function by_hand.read()
  local id, workspace = common.random_flow()
  return sent(workspace, string.format(READ, id))
end

return by_hand
