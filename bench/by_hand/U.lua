local by_hand = require "by_hand"

function request()
  return by_hand.update()
end
