SELECT message_flows.id, message_flows.workspace_id, message_flows.version, message_flows.created_at, message_flows.updated_at, message_flows.name, message_flows.direction, message_flows.description, message_flows.agent, message_flows.prompt, message_flows.initiation_message, message_flows.is_active, message_flows.autopilot, message_flows.message_channel, message_flows.response_settings_delay, message_flows.response_settings_working_hours_enabled, message_flows.response_settings_working_hours_start, message_flows.response_settings_working_hours_end, message_flows.response_settings_working_hours_timezone, message_flows.response_settings_working_hours_out_of_hours_message, message_flows.security_hipaa_compliance, message_flows.email_settings_subject_line, message_flows.email_settings_signature, message_flows.deleted_at 
FROM message_flows 
WHERE message_flows.workspace_id = $1::VARCHAR COLLATE "C" AND message_flows.id = $2::VARCHAR COLLATE "C";

SELECT message_flow_revisions.flow_id, message_flow_revisions.version, message_flow_revisions.at, message_flow_revisions.operation, message_flow_revisions.source, message_flow_revisions.actor, message_flow_revisions.request_id, message_flow_revisions.note, message_flow_revisions.changes 
FROM message_flow_revisions 
WHERE message_flow_revisions.workspace_id = $1::VARCHAR COLLATE "C" AND message_flow_revisions.flow_id = $2::VARCHAR COLLATE "C" AND message_flow_revisions.version BETWEEN $3::INTEGER AND $4::INTEGER ORDER BY message_flow_revisions.version DESC;

WITH saved AS 
(UPDATE message_flows SET version=$3::INTEGER, updated_at=$11::BIGINT, description=$12::VARCHAR WHERE message_flows.workspace_id = $1::VARCHAR COLLATE "C" AND message_flows.id = $2::VARCHAR COLLATE "C" AND message_flows.version = $13::INTEGER AND (SELECT message_flows.ctid 
FROM message_flows 
WHERE message_flows.workspace_id = $1::VARCHAR COLLATE "C" AND message_flows.id = $2::VARCHAR COLLATE "C" AND message_flows.version = $13::INTEGER FOR NO KEY UPDATE SKIP LOCKED) = message_flows.ctid RETURNING message_flows.version), 
with_message_flow_revisions AS 
(INSERT INTO message_flow_revisions (workspace_id, flow_id, version, at, operation, source, actor, request_id, note, changes) SELECT $1::VARCHAR COLLATE "C" AS anon_1, $2::VARCHAR COLLATE "C" AS anon_2, $3::INTEGER AS anon_3, $4::BIGINT AS anon_4, $5::VARCHAR AS anon_5, $6::VARCHAR AS anon_6, $7::VARCHAR AS anon_7, $8::VARCHAR AS anon_8, $9::VARCHAR AS anon_9, $10::VARCHAR AS anon_10 
FROM saved)
 SELECT saved.version 
FROM saved;

