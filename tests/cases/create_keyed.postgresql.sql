SELECT message_flow_replays.actor, message_flow_replays.operation, message_flow_replays.target, message_flow_replays.key, message_flow_replays.request, message_flow_replays.outcome, message_flow_replays.at 
FROM message_flow_replays 
WHERE message_flow_replays.workspace_id = $1::VARCHAR COLLATE "C" AND message_flow_replays.actor = $2::VARCHAR COLLATE "C" AND message_flow_replays.operation = $3::VARCHAR COLLATE "C" AND message_flow_replays.target = $4::VARCHAR COLLATE "C" AND message_flow_replays.key = $5::VARCHAR COLLATE "C";

WITH saved AS 
(INSERT INTO message_flows (workspace_id, id, version, created_at, updated_at, name, name_folded, direction, description, agent, prompt, initiation_message, is_active, autopilot, message_channel, response_settings_delay, response_settings_working_hours_enabled, response_settings_working_hours_start, response_settings_working_hours_end, response_settings_working_hours_timezone, response_settings_working_hours_out_of_hours_message, security_hipaa_compliance, email_settings_subject_line, email_settings_signature) VALUES ($1::VARCHAR COLLATE "C", $11::VARCHAR COLLATE "C", $12::INTEGER, $13::BIGINT, $14::BIGINT, $15::VARCHAR, $16::VARCHAR COLLATE "C", $17::VARCHAR, $18::VARCHAR, $19::VARCHAR COLLATE "C", $20::VARCHAR, $21::VARCHAR, $22::BOOLEAN, $23::BOOLEAN, $24::VARCHAR, $25::FLOAT, $26::BOOLEAN, $27::VARCHAR, $28::VARCHAR, $29::VARCHAR, $30::VARCHAR, $31::BOOLEAN, $32::VARCHAR, $33::VARCHAR) RETURNING message_flows.version), 
with_message_flow_revisions AS 
(INSERT INTO message_flow_revisions (workspace_id, flow_id, version, at, operation, source, actor, request_id, note, changes) SELECT $1::VARCHAR COLLATE "C" AS anon_1, $2::VARCHAR COLLATE "C" AS anon_2, $3::INTEGER AS anon_3, $4::BIGINT AS anon_4, $5::VARCHAR AS anon_5, $6::VARCHAR AS anon_6, $7::VARCHAR AS anon_7, $8::VARCHAR AS anon_8, $9::VARCHAR AS anon_9, $10::VARCHAR AS anon_10 
FROM saved), 
with_message_flow_replays AS 
(INSERT INTO message_flow_replays (workspace_id, actor, operation, target, key, request, outcome, at) SELECT $1::VARCHAR COLLATE "C" AS anon_1, $34::VARCHAR COLLATE "C" AS anon_11, $35::VARCHAR COLLATE "C" AS anon_12, $36::VARCHAR COLLATE "C" AS anon_13, $37::VARCHAR COLLATE "C" AS anon_14, $38::VARCHAR AS anon_15, $39::VARCHAR AS anon_16, $40::BIGINT AS anon_17 
FROM saved)
 SELECT saved.version 
FROM saved;

