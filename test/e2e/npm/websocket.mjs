// graphql-ws, the client that portals use, against the server at URL. Fails with what was not as the protocol says.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const url = process.env.URL.replace(/^http/, 'ws');
const authorization = `Bearer ${process.env.TOKEN}`;

// raw opens a socket, sends the messages one after the other's answer, and tells how it was closed.
function raw(messages, protocol = 'graphql-transport-ws', options = {}) {
  return new Promise((resolve, reject) => {
    const socket = protocol ? new WebSocket(url, protocol, options) : new WebSocket(url, options);
    const got = [];
    const next = () => { const m = messages.shift(); if (m !== undefined) socket.send(typeof m === 'string' ? m : JSON.stringify(m)); };
    socket.on('open', next);
    socket.on('message', (m) => { got.push(JSON.parse(m)); next(); });
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason), got }));
    socket.on('unexpected-response', (req, res) => { req.destroy(); resolve({ status: res.statusCode, got }); });
    socket.on('error', (e) => { if (!/Unexpected server response/.test(e.message)) reject(e); });
  });
}

const init = { type: 'connection_init', payload: { authorization } };
const subscribe = (id, query = '{ viewer { __typename } }') => ({ type: 'subscribe', id, payload: { query } });
const late = raw([]); // 10 s after it opened, which the others need not wait for
const checks = {
  'no subprotocol': [() => raw([], null), 4406],
  'subscribe before init': [() => raw([subscribe('1')]), 4401],
  'no JSON': [() => raw(['nonsense']), 4400],
  'no JSON after init': [() => raw([init, 'nonsense']), 4400],
  'an unknown type': [() => raw([init, { type: 'start' }]), 4400],
  'init twice': [() => raw([init, init]), 4429],
  'a forged token': [() => raw([{ type: 'connection_init', payload: { authorization: 'Bearer forged' } }]), 4403],
  'subscribe without id': [() => raw([init, { type: 'subscribe', payload: { query: '{ viewer { __typename } }' } }]), 4400],
  'subscribe without payload': [() => raw([init, { type: 'subscribe', id: '1' }]), 4400],
};
for (const [name, [run, code]] of Object.entries(checks)) {
  const closed = await run();
  assert.equal(closed.code, code, `${name}: closed with ${closed.code} ${closed.reason}`);
}

// A page of another origin may not connect.
assert.equal((await raw([init], 'graphql-transport-ws', { origin: 'https://evil.example' })).status, 403);

// Ping is answered, and an operation that is not valid ends with an error and no complete.
{
  const socket = new WebSocket(url, 'graphql-transport-ws');
  const got = [];
  const seen = (n) => new Promise((resolve) => { const wait = () => (got.length >= n ? resolve() : setTimeout(wait, 5)); wait(); });
  socket.on('message', (m) => got.push(JSON.parse(m)));
  await new Promise((resolve) => socket.on('open', resolve));
  socket.send(JSON.stringify(init));
  await seen(1);
  socket.send(JSON.stringify({ type: 'ping' }));
  await seen(2);
  socket.send(JSON.stringify(subscribe('a', '{ nothing }')));
  await seen(3);
  socket.send(JSON.stringify(subscribe('a'))); // the id is free again
  await seen(5);
  assert.deepEqual(got.map((m) => m.type), ['connection_ack', 'pong', 'error', 'next', 'complete']);
  assert.equal(got[2].payload[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
  assert.equal(got[3].payload.data.viewer.__typename, 'CustomerViewer');

  // One id twice, while the first still runs.
  const closed = new Promise((resolve) => socket.on('close', (code) => resolve(code)));
  socket.send(JSON.stringify(subscribe('s', 'subscription { shipmentUpdates { __typename } }')));
  socket.send(JSON.stringify(subscribe('s', 'subscription { shipmentUpdates { __typename } }')));
  assert.equal(await closed, 4409);
}

// The client itself.
const client = createClient({ url, webSocketImpl: WebSocket, connectionParams: { authorization }, retryAttempts: 0 });
const results = [];
await new Promise((resolve, reject) => client.subscribe({ query: '{ viewer { __typename } }' }, { next: (r) => results.push(r), error: reject, complete: resolve }));
assert.equal(results.length, 1);
assert.equal(results[0].data.viewer.__typename, 'CustomerViewer');
await client.dispose();
console.log('ok');

assert.equal((await late).code, 4408, 'no connection_init');
