SELECT message_flows.id, message_flows.name 
FROM message_flows 
WHERE message_flows.workspace_id = $1::VARCHAR COLLATE "C" AND message_flows.id = $2::VARCHAR COLLATE "C" AND message_flows.deleted_at IS NULL;

