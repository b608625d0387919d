// The audits of the GraphQL over HTTP specification, against the server at URL. Prints one line a result.
import { auditServer } from 'graphql-http';

const fetchFn = (url, init) => fetch(url, { ...init, headers: { ...init?.headers, authorization: `Bearer ${process.env.TOKEN}` } });

for (const r of await auditServer({ url: process.env.URL, fetchFn })) {
  console.log(`${r.status === 'ok' ? 'ok' : 'not ok'} ${r.id} ${r.name}${r.status === 'ok' ? '' : `: ${r.reason}`}`);
}
