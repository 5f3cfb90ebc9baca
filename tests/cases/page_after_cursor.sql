SELECT message_flows.id, message_flows.created_at, message_flows.created_at AS place, message_flows.id AS place_id 
FROM message_flows 
WHERE message_flows.workspace_id = ? AND message_flows.deleted_at IS NULL AND (message_flows.created_at, message_flows.id) < (?, ?) ORDER BY message_flows.created_at DESC, message_flows.id DESC
 LIMIT ? OFFSET ?;

SELECT message_flows.created_at AS place, message_flows.id AS place_id 
FROM message_flows 
WHERE message_flows.workspace_id = ? AND message_flows.deleted_at IS NULL AND (message_flows.created_at, message_flows.id) >= (?, ?) ORDER BY message_flows.created_at, message_flows.id
 LIMIT 1 OFFSET ?;

SELECT count(*) AS total 
FROM message_flows 
WHERE message_flows.workspace_id = ? AND message_flows.deleted_at IS NULL AND message_flows.id > '';

