SELECT message_flow_revisions.flow_id, message_flow_revisions.version, message_flow_revisions.at, message_flow_revisions.operation, message_flow_revisions.source, message_flow_revisions.actor, message_flow_revisions.request_id, message_flow_revisions.note, message_flow_revisions.changes 
FROM message_flow_revisions 
WHERE message_flow_revisions.workspace_id = $1::VARCHAR COLLATE "C" AND message_flow_revisions.flow_id = $2::VARCHAR COLLATE "C" AND message_flow_revisions.version = $3::INTEGER;

