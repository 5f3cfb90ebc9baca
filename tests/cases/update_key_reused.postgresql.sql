SELECT message_flow_replays.actor, message_flow_replays.operation, message_flow_replays.target, message_flow_replays.key, message_flow_replays.request, message_flow_replays.outcome, message_flow_replays.at 
FROM message_flow_replays 
WHERE message_flow_replays.workspace_id = $1::VARCHAR COLLATE "C" AND message_flow_replays.actor = $2::VARCHAR COLLATE "C" AND message_flow_replays.operation = $3::VARCHAR COLLATE "C" AND message_flow_replays.target = $4::VARCHAR COLLATE "C" AND message_flow_replays.key = $5::VARCHAR COLLATE "C";

