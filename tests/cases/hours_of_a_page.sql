SELECT message_flows.id, message_flows.response_settings_working_hours_enabled, message_flows.response_settings_working_hours_start, message_flows.response_settings_working_hours_end, message_flows.response_settings_working_hours_timezone, message_flows.created_at AS place, message_flows.id AS place_id 
FROM message_flows 
WHERE message_flows.workspace_id = ? AND message_flows.deleted_at IS NULL ORDER BY message_flows.created_at DESC, message_flows.id DESC
 LIMIT ? OFFSET ?;

