SELECT message_flows.id, message_flows.updated_at, message_flows.updated_at AS place, message_flows.id AS place_id 
FROM message_flows 
WHERE message_flows.workspace_id = $1::VARCHAR COLLATE "C" AND message_flows.deleted_at IS NULL AND message_flows.updated_slot >= $2::BIGINT AND (message_flows.updated_at, message_flows.id) > ($3::BIGINT, $4::VARCHAR COLLATE "C") ORDER BY message_flows.updated_slot, message_flows.updated_at, message_flows.id 
 LIMIT $5;

SELECT message_flows.updated_at AS place, message_flows.id AS place_id 
FROM message_flows 
WHERE message_flows.workspace_id = $1::VARCHAR COLLATE "C" AND message_flows.deleted_at IS NULL AND message_flows.updated_slot <= $2::BIGINT AND (message_flows.updated_at, message_flows.id) < ($3::BIGINT, $4::VARCHAR COLLATE "C") ORDER BY message_flows.updated_slot DESC, message_flows.updated_at DESC, message_flows.id DESC 
 LIMIT 1;

