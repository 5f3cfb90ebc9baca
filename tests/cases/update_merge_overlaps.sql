SELECT message_flows.id, message_flows.workspace_id, message_flows.version, message_flows.created_at, message_flows.updated_at, message_flows.name, message_flows.direction, message_flows.description, message_flows.agent, message_flows.prompt, message_flows.initiation_message, message_flows.is_active, message_flows.autopilot, message_flows.message_channel, message_flows.response_settings_delay, message_flows.response_settings_working_hours_enabled, message_flows.response_settings_working_hours_start, message_flows.response_settings_working_hours_end, message_flows.response_settings_working_hours_timezone, message_flows.response_settings_working_hours_out_of_hours_message, message_flows.security_hipaa_compliance, message_flows.email_settings_subject_line, message_flows.email_settings_signature, message_flows.deleted_at 
FROM message_flows 
WHERE message_flows.workspace_id = ? AND message_flows.id = ?;

SELECT message_flow_revisions.flow_id, message_flow_revisions.version, message_flow_revisions.at, message_flow_revisions.operation, message_flow_revisions.source, message_flow_revisions.actor, message_flow_revisions.request_id, message_flow_revisions.note, message_flow_revisions.changes 
FROM message_flow_revisions 
WHERE message_flow_revisions.workspace_id = ? AND message_flow_revisions.flow_id = ? AND message_flow_revisions.version BETWEEN ? AND ? ORDER BY message_flow_revisions.version DESC;

