// The audits of GraphQL over HTTP against the server at the address given, as JSON: [{id, name, status, reason, body}].
import { auditServer } from 'graphql-http';

const results = await auditServer({ url: process.argv[2] });
const told = results.map(async ({ id, name, status, reason, response }) => ({
  id,
  name,
  status,
  reason,
  body: status === 'ok' ? undefined : await response.text(),
}));
console.log(JSON.stringify(await Promise.all(told)));
