SELECT message_flows.id, message_flows.updated_at, message_flows.updated_at AS place, message_flows.id AS place_id 
FROM message_flows 
WHERE message_flows.workspace_id = $1::VARCHAR COLLATE "C" AND message_flows.deleted_at IS NULL AND (message_flows.updated_at, message_flows.id) > ($2::BIGINT, $3::VARCHAR COLLATE "C") AND message_flows.updated_slot >= $2::BIGINT >> 20 ORDER BY message_flows.updated_slot, message_flows.updated_at, message_flows.id 
 LIMIT $4;

SELECT message_flows.updated_at AS place, message_flows.id AS place_id 
FROM message_flows 
WHERE message_flows.workspace_id = $1::VARCHAR COLLATE "C" AND message_flows.deleted_at IS NULL AND (message_flows.updated_at, message_flows.id) <= ($2::BIGINT, $3::VARCHAR COLLATE "C") AND message_flows.updated_slot <= $2::BIGINT >> 20 ORDER BY message_flows.updated_slot DESC, message_flows.updated_at DESC, message_flows.id DESC 
 LIMIT 1;

