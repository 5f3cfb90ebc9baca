// What clients send, as whoever sits at the wire would see it.

/** A fetch, and of each request by it: its method, whether it held a hash, the document or both, and the answer's status. */
export function counted() {
  const requests = [];
  async function counting(address, options) {
    const answer = await fetch(address, options);
    const sent = options.body ? JSON.parse(options.body) : Object.fromEntries(new URL(address).searchParams);
    const hash = JSON.stringify(sent.extensions ?? '').includes('sha256Hash') && 'hash';
    requests.push([options.method, hash, sent.query && 'document', answer.status].filter(Boolean).join(' '));
    return answer;
  }
  return { fetch: counting, requests };
}

/** The input of a flow. */
export const flow = (name) => ({
  name,
  direction: 'INBOUND',
  agent: 'agent',
  prompt: 'Help.',
  initiationMessage: 'Hello.',
  messageChannel: 'SMS',
});
