// Portico as a subgraph: its schema composes with a second one in Apollo's, Hive's and Cosmo's libraries, and a real gateway
// answers queries that join the two from the running server. The second subgraph lives in this file: CRM notes.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { composeServices as apollo } from '@apollo/composition';
import { composeServices as hive } from '@theguild/federation-composition';
import { federateSubgraphs as cosmo, ROUTER_COMPATIBILITY_VERSION_ONE } from '@wundergraph/composition';
import { ApolloGateway, LocalGraphQLDataSource, RemoteGraphQLDataSource } from '@apollo/gateway';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';

const authorization = `Bearer ${process.env.TOKEN}`;
const ask = async (query, variables = {}, token = authorization) => (await fetch(process.env.URL, {
  method: 'POST', headers: { 'content-type': 'application/json', authorization: token }, body: JSON.stringify({ query, variables }),
})).json();

const sdl = (await ask('{ _service { sdl } }')).data._service.sdl;
const crm = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@external"])
  type Note { text: String! }
  type Account @key(fields: "id") { id: ID! notes: [Note!]! }
  type Order @key(fields: "number") { number: String! notes: [Note!]! }
  type Item @key(fields: "sku") { sku: String! notes: [Note!]! }
  type Query { notes: [Note!]! }
`);
const services = [{ name: 'portico', url: process.env.URL, typeDefs: parse(sdl) }, { name: 'crm', url: 'local', typeDefs: crm }];

const composed = apollo(services);
assert.equal(composed.errors, undefined, String(composed.errors));
const second = hive(services);
assert.equal(second.errors, undefined, String(second.errors));
assert.ok(second.supergraphSdl);
const third = cosmo({ subgraphs: services.map((s) => ({ name: s.name, url: s.url, definitions: s.typeDefs })), version: ROUTER_COMPATIBILITY_VERSION_ONE });
assert.equal(third.success, true, String(third.errors));

const noted = (kind, key) => ({ notes: (o) => [{ text: `${kind} ${o[key]}` }], __resolveReference: (o) => o });
const schema = buildSubgraphSchema({ typeDefs: crm, resolvers: {
  Account: noted('account', 'id'), Order: noted('order', 'number'), Item: noted('item', 'sku'), Query: { notes: () => [] },
} });
const gateway = new ApolloGateway({
  supergraphSdl: composed.supergraphSdl,
  buildService: ({ name, url }) => name === 'crm' ? new LocalGraphQLDataSource(schema) : new (class extends RemoteGraphQLDataSource {
    willSendRequest({ request }) { request.http.headers.set('authorization', authorization); }
  })({ url }),
});
const { executor } = await gateway.load();
const run = async (source) => {
  const result = await executor({ document: parse(source), request: { query: source }, queryHash: source, context: {}, metrics: {}, cache: new Map(), schema: gateway.schema, operationName: null, operation: parse(source).definitions[0] });
  assert.equal(result.errors, undefined, JSON.stringify(result.errors));
  return result.data;
};
const joined = await run('{ orders(first: 3, orderBy: PLACED_AT_ASC) { nodes { number notes { text } account { id name notes { text } } lines(first: 2) { nodes { item { sku name notes { text } } } } } } }');
assert.equal(joined.orders.nodes.length, 3);
for (const o of joined.orders.nodes) {
  assert.equal(o.notes[0].text, `order ${o.number}`);
  assert.equal(o.account.notes[0].text, `account ${o.account.id}`);
  for (const l of o.lines.nodes) if (l.item) assert.equal(l.item.notes[0].text, `item ${l.item.sku}`);
}

// Entities: by every key, mixed in one batch, what names nothing null alone and with an error of its own.
const entities = `query ($r: [_Any!]!) { found: _entities(representations: $r) { __typename ... on Item { id sku name gtin } ... on Order { id orderNumber: number } ... on Account { id number } } }`;
const item = (await ask('{ items(first: 1) { nodes { id sku gtin } } }')).data.items.nodes[0];
const order = joined.orders.nodes[0];
const mixed = await ask(entities, { r: [
  { __typename: 'Item', sku: item.sku }, { __typename: 'Item', id: item.id }, { __typename: 'Order', number: order.number }, { __typename: 'Item', gtin: item.gtin },
  { __typename: 'Item' }, { __typename: 'Item', gtin: '123' }, { __typename: 'Nothing', id: '1' }, { sku: item.sku }, { __typename: 'Item', sku: 7 }, { __typename: 'Order', number: 'none' },
  { __typename: 'Item', gtin: 'bad', sku: item.sku },
] });
assert.deepEqual(mixed.data.found.map((f) => f?.id ?? null), [item.id, item.id, order.id ?? mixed.data.found[2].id, item.id, null, null, null, null, null, null, item.id]);
assert.deepEqual(mixed.errors.map((e) => e.path.join('.')).sort(), ['found.4', 'found.5', 'found.6', 'found.7', 'found.8']);
assert.equal(mixed.extensions.statistics.statements, 4, 'one statement a kind of key');

// Batched however many, bounded, and another's is as what is not there.
const many = await ask(entities, { r: Array.from({ length: 200 }, (_, i) => ({ __typename: 'Item', sku: i % 2 ? item.sku : `none-${i}` })) });
assert.equal(many.extensions.statistics.statements, 1);
assert.equal((await ask(entities, { r: Array.from({ length: 1001 }, () => ({ __typename: 'Item', sku: 'x' })) })).errors[0].extensions.code, 'BAD_USER_INPUT');
const foreign = (await ask('{ orders(first: 1, orderBy: PLACED_AT_ASC) { nodes { id number } } }', {}, `Bearer ${process.env.OTHER}`)).data.orders.nodes[0];
for (const r of [{ id: foreign.id }, { number: foreign.number }, { id: 'ord_00000000000000000000000000000000' }]) {
  const answer = await ask(entities, { r: [{ __typename: 'Order', ...r }] });
  assert.deepEqual([answer.data, answer.errors], [{ found: [null] }, undefined]);
}
assert.equal((await (await fetch(process.env.URL, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: entities, variables: { r: [{ __typename: 'Item', sku: item.sku }] } }) })).json()).errors[0].extensions.code, 'UNAUTHENTICATED');
console.log('ok');
process.exit(0);
