SELECT message_flows.id, message_flows.prompt, message_flows.version 
FROM message_flows 
WHERE message_flows.workspace_id = ? AND message_flows.id = ? AND message_flows.deleted_at IS NULL;

