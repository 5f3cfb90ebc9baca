SELECT flow.id, flow.workspace_id, flow.version, flow.created_at, flow.updated_at, flow.name, flow.direction, flow.description, flow.agent, flow.prompt, flow.initiation_message, flow.is_active, flow.autopilot, flow.message_channel, flow.response_settings_delay, flow.response_settings_working_hours_enabled, flow.response_settings_working_hours_start, flow.response_settings_working_hours_end, flow.response_settings_working_hours_timezone, flow.response_settings_working_hours_out_of_hours_message, flow.security_hipaa_compliance, flow.email_settings_subject_line, flow.email_settings_signature, flow.deleted_at 
FROM jsonb_array_elements_text(CAST($1::VARCHAR AS JSONB)) AS anon_1 JOIN LATERAL (SELECT message_flows.id AS id, message_flows.workspace_id AS workspace_id, message_flows.version AS version, message_flows.created_at AS created_at, message_flows.updated_at AS updated_at, message_flows.name AS name, message_flows.direction AS direction, message_flows.description AS description, message_flows.agent AS agent, message_flows.prompt AS prompt, message_flows.initiation_message AS initiation_message, message_flows.is_active AS is_active, message_flows.autopilot AS autopilot, message_flows.message_channel AS message_channel, message_flows.response_settings_delay AS response_settings_delay, message_flows.response_settings_working_hours_enabled AS response_settings_working_hours_enabled, message_flows.response_settings_working_hours_start AS response_settings_working_hours_start, message_flows.response_settings_working_hours_end AS response_settings_working_hours_end, message_flows.response_settings_working_hours_timezone AS response_settings_working_hours_timezone, message_flows.response_settings_working_hours_out_of_hours_message AS response_settings_working_hours_out_of_hours_message, message_flows.security_hipaa_compliance AS security_hipaa_compliance, message_flows.email_settings_subject_line AS email_settings_subject_line, message_flows.email_settings_signature AS email_settings_signature, message_flows.deleted_at AS deleted_at 
FROM message_flows 
WHERE message_flows.workspace_id = (SELECT $2::VARCHAR COLLATE "C" AS anon_2) AND message_flows.id = anon_1.value 
 LIMIT 1) AS flow ON true ORDER BY flow.id FOR UPDATE;

WITH saved AS 
(UPDATE message_flows SET version=$3::INTEGER, updated_at=$11::BIGINT, name=$12::VARCHAR, name_folded=$13::VARCHAR COLLATE "C", autopilot=$14::BOOLEAN WHERE message_flows.workspace_id = $1::VARCHAR COLLATE "C" AND message_flows.id = $2::VARCHAR COLLATE "C" AND message_flows.version = $15::INTEGER AND (SELECT message_flows.ctid 
FROM message_flows 
WHERE message_flows.workspace_id = $1::VARCHAR COLLATE "C" AND message_flows.id = $2::VARCHAR COLLATE "C" AND message_flows.version = $15::INTEGER FOR NO KEY UPDATE SKIP LOCKED) = message_flows.ctid RETURNING message_flows.version), 
with_message_flow_revisions AS 
(INSERT INTO message_flow_revisions (workspace_id, flow_id, version, at, operation, source, actor, request_id, note, changes) SELECT $1::VARCHAR COLLATE "C" AS anon_1, $2::VARCHAR COLLATE "C" AS anon_2, $3::INTEGER AS anon_3, $4::BIGINT AS anon_4, $5::VARCHAR AS anon_5, $6::VARCHAR AS anon_6, $7::VARCHAR AS anon_7, $8::VARCHAR AS anon_8, $9::VARCHAR AS anon_9, $10::VARCHAR AS anon_10 
FROM saved)
 SELECT saved.version 
FROM saved;

WITH saved AS 
(UPDATE message_flows SET version=$3::INTEGER, updated_at=$11::BIGINT, autopilot=$12::BOOLEAN WHERE message_flows.workspace_id = $1::VARCHAR COLLATE "C" AND message_flows.id = $2::VARCHAR COLLATE "C" AND message_flows.version = $13::INTEGER AND (SELECT message_flows.ctid 
FROM message_flows 
WHERE message_flows.workspace_id = $1::VARCHAR COLLATE "C" AND message_flows.id = $2::VARCHAR COLLATE "C" AND message_flows.version = $13::INTEGER FOR NO KEY UPDATE SKIP LOCKED) = message_flows.ctid RETURNING message_flows.version), 
with_message_flow_revisions AS 
(INSERT INTO message_flow_revisions (workspace_id, flow_id, version, at, operation, source, actor, request_id, note, changes) SELECT $1::VARCHAR COLLATE "C" AS anon_1, $2::VARCHAR COLLATE "C" AS anon_2, $3::INTEGER AS anon_3, $4::BIGINT AS anon_4, $5::VARCHAR AS anon_5, $6::VARCHAR AS anon_6, $7::VARCHAR AS anon_7, $8::VARCHAR AS anon_8, $9::VARCHAR AS anon_9, $10::VARCHAR AS anon_10 
FROM saved)
 SELECT saved.version 
FROM saved;

