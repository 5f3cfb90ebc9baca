SELECT message_flows.id, message_flows.name 
FROM message_flows 
WHERE message_flows.workspace_id = ? AND message_flows.id = ? AND message_flows.deleted_at IS NULL;

