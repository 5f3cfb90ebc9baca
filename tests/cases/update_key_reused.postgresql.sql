SELECT message_flow_replays.scope, message_flow_replays.target, message_flow_replays.request, message_flow_replays.outcome, message_flow_replays.at 
FROM message_flow_replays 
WHERE message_flow_replays.workspace_id = $1::VARCHAR COLLATE "C" AND message_flow_replays.scope = $2::VARCHAR COLLATE "C";

