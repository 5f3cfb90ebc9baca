SELECT message_flows.id, message_flows.name, message_flows.version, message_flows.updated_at, message_flows.created_at AS place, message_flows.id AS place_id 
FROM message_flows 
WHERE message_flows.workspace_id = ? AND message_flows.deleted_at IS NULL AND message_flows.message_channel = ? AND message_flows.updated_at >= ? ORDER BY message_flows.created_at DESC, message_flows.id DESC
 LIMIT ? OFFSET ?;

