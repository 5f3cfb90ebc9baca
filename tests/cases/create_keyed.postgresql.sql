SELECT message_flow_replays.scope, message_flow_replays.target, message_flow_replays.request, message_flow_replays.outcome, message_flow_replays.at 
FROM message_flow_replays 
WHERE message_flow_replays.workspace_id = $1::VARCHAR COLLATE "C" AND message_flow_replays.scope = $2::VARCHAR COLLATE "C";

WITH saved AS 
(INSERT INTO message_flows (workspace_id, id, version, created_at, updated_at, name, name_folded, direction, description, agent, prompt, initiation_message, is_active, autopilot, message_channel, response_settings_delay, response_settings_working_hours_enabled, response_settings_working_hours_start, response_settings_working_hours_end, response_settings_working_hours_timezone, response_settings_working_hours_out_of_hours_message, security_hipaa_compliance, email_settings_subject_line, email_settings_signature) VALUES ($1::VARCHAR COLLATE "C", $2::VARCHAR COLLATE "C", $3::INTEGER, $11::BIGINT, $12::BIGINT, $13::VARCHAR, $14::VARCHAR COLLATE "C", $15::VARCHAR, $16::VARCHAR, $17::VARCHAR COLLATE "C", $18::VARCHAR, $19::VARCHAR, $20::BOOLEAN, $21::BOOLEAN, $22::VARCHAR, $23::FLOAT, $24::BOOLEAN, $25::VARCHAR, $26::VARCHAR, $27::VARCHAR, $28::VARCHAR, $29::BOOLEAN, $30::VARCHAR, $31::VARCHAR) RETURNING message_flows.version), 
with_message_flow_revisions AS 
(INSERT INTO message_flow_revisions (workspace_id, flow_id, version, at, operation, source, actor, request_id, note, changes) SELECT $1::VARCHAR COLLATE "C" AS anon_1, $2::VARCHAR COLLATE "C" AS anon_2, $3::INTEGER AS anon_3, $4::BIGINT AS anon_4, $5::VARCHAR AS anon_5, $6::VARCHAR AS anon_6, $7::VARCHAR AS anon_7, $8::VARCHAR AS anon_8, $9::VARCHAR AS anon_9, $10::VARCHAR AS anon_10 
FROM saved), 
with_message_flow_replays AS 
(INSERT INTO message_flow_replays (workspace_id, scope, target, request, outcome, at) SELECT $1::VARCHAR COLLATE "C" AS anon_1, $32::VARCHAR COLLATE "C" AS anon_11, $33::VARCHAR COLLATE "C" AS anon_12, $34::VARCHAR AS anon_13, $35::VARCHAR AS anon_14, $36::BIGINT AS anon_15 
FROM saved)
 SELECT saved.version 
FROM saved;

