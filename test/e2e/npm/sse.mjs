// graphql-sse and a browser's EventSource against the server at URL. Fails with what was not as the protocol says.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-sse';
import { EventSource } from 'eventsource';

const url = process.env.URL;
const headers = { authorization: `Bearer ${process.env.TOKEN}` };
const query = '{ viewer { __typename } }';

const client = createClient({ url, headers, singleConnection: false, retryAttempts: 0 });
const results = [];
await new Promise((resolve, reject) => client.subscribe({ query }, { next: (r) => results.push(r), error: reject, complete: resolve }));
assert.equal(results.length, 1);
assert.equal(results[0].data.viewer.__typename, 'CustomerViewer');

// EventSource has no headers: it asks for a ticket, which works once and for this operation alone.
const ticketFor = async (operation) => {
  const res = await fetch(`${url}/ticket`, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(operation) });
  assert.equal(res.status, 200);
  return (await res.json()).ticket;
};
const stream = (parameters) => new Promise((resolve) => {
  const source = new EventSource(`${url}?${new URLSearchParams(parameters)}`);
  const got = [];
  source.addEventListener('next', (e) => got.push(JSON.parse(e.data)));
  source.addEventListener('complete', () => { source.close(); resolve({ got }); });
  source.addEventListener('error', (e) => { source.close(); resolve({ got, status: e.code }); });
});
const ticket = await ticketFor({ query });
const { got } = await stream({ query, ticket });
assert.equal(got[0]?.data.viewer.__typename, 'CustomerViewer');
assert.equal((await stream({ query, ticket })).status, 401, 'a ticket worked twice');
assert.equal((await stream({ query: '{ viewer { scopes } }', ticket: await ticketFor({ query }) })).status, 401, 'a ticket was good for another operation');
assert.equal((await stream({ query, ticket: 'forged' })).status, 401);
assert.equal((await fetch(`${url}/ticket`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) })).status, 401);

// The headers that keep proxies from gathering events.
const res = await fetch(`${url}?${new URLSearchParams({ query })}`, { headers: { ...headers, accept: 'text/event-stream' } });
assert.equal(res.headers.get('x-accel-buffering'), 'no');
assert.match(res.headers.get('cache-control'), /no-store/);
assert.equal(await res.text().then((t) => t.includes('event: complete\ndata:\n\n')), true);
console.log('ok');
