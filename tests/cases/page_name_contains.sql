SELECT message_flows.name, message_flows.created_at AS place, message_flows.id AS place_id 
FROM message_flows 
WHERE message_flows.workspace_id = ? AND message_flows.deleted_at IS NULL AND instr(message_flows.name_folded, ?) > 0 ORDER BY message_flows.created_at DESC, message_flows.id DESC
 LIMIT ? OFFSET ?;

