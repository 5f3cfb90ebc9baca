SELECT message_flow_replays.scope, message_flow_replays.target, message_flow_replays.request, message_flow_replays.outcome, message_flow_replays.at 
FROM message_flow_replays 
WHERE message_flow_replays.workspace_id = ? AND message_flow_replays.scope = ?;

INSERT INTO message_flows (workspace_id, id, version, created_at, updated_at, name, name_folded, direction, description, agent, prompt, initiation_message, is_active, autopilot, message_channel, response_settings_delay, response_settings_working_hours_enabled, response_settings_working_hours_start, response_settings_working_hours_end, response_settings_working_hours_timezone, response_settings_working_hours_out_of_hours_message, security_hipaa_compliance, email_settings_subject_line, email_settings_signature) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

INSERT INTO message_flow_revisions (workspace_id, flow_id, version, at, operation, source, actor, request_id, note, changes, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (max((SELECT coalesce(max(message_flow_revisions.position), 0) AS coalesce_1 
FROM message_flow_revisions), (SELECT coalesce(max(message_flow_stream.pruned), 0) AS coalesce_2 
FROM message_flow_stream)) + 1));

INSERT INTO message_flow_replays (workspace_id, scope, target, request, outcome, at) VALUES (?, ?, ?, ?, ?, ?);

