SELECT message_flows.response_settings_working_hours_enabled, message_flows.response_settings_working_hours_start, message_flows.response_settings_working_hours_end, message_flows.response_settings_working_hours_timezone 
FROM message_flows 
WHERE message_flows.workspace_id = $1::VARCHAR COLLATE "C" AND message_flows.id = $2::VARCHAR COLLATE "C" AND message_flows.deleted_at IS NULL;

