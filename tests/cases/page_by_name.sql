SELECT message_flows.name, message_flows.version, message_flows.updated_at, message_flows.name_folded AS place, message_flows.id AS place_id 
FROM message_flows 
WHERE message_flows.workspace_id = ? AND message_flows.deleted_at IS NULL ORDER BY message_flows.name_folded, message_flows.id
 LIMIT ? OFFSET ?;

SELECT count(*) AS total 
FROM message_flows 
WHERE message_flows.workspace_id = ? AND message_flows.deleted_at IS NULL AND message_flows.id > '';

