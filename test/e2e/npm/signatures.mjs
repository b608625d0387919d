// A library that has nothing to do with us verifies what we signed (OURS), and signs an
// answer to a purchase order (INPUT) that Portico takes.
import { createHash, createPrivateKey, randomUUID } from 'node:crypto'
import { createSigner, createVerifier, httpbis } from 'http-message-signatures'

const ours = JSON.parse(process.env.OURS)
const verified = await httpbis.verifyMessage({
  keyLookup: async ({ keyid }) => ({ id: keyid, algs: ['ed25519'], verify: createVerifier(process.env.PUBLIC, 'ed25519') }),
  requiredFields: ['@method', '@authority', '@path', 'content-digest', 'content-type'],
}, ours)
const altered = await httpbis.verifyMessage({
  keyLookup: async ({ keyid }) => ({ id: keyid, algs: ['ed25519'], verify: createVerifier(process.env.PUBLIC, 'ed25519') }),
}, { ...ours, headers: { ...ours.headers, 'content-digest': 'sha-256=:AAAA:' } })
console.log('ours', verified, 'altered', altered)

const body = process.env.BODY
const request = await httpbis.signMessage({
  key: createSigner(createPrivateKey(process.env.PRIVATE), 'ed25519', process.env.KEYID),
  name: 'sig1',
  fields: ['@method', '@authority', '@path', 'content-digest', 'content-type'],
  params: ['created', 'expires', 'nonce', 'keyid', 'alg', 'tag'],
  paramValues: { created: new Date(), expires: new Date(Date.now() + 290_000), nonce: randomUUID(), tag: 'portico-procurement' },
}, {
  method: 'POST',
  url: process.env.URL,
  headers: { 'content-type': 'application/json', 'content-digest': `sha-256=:${createHash('sha256').update(body).digest('base64')}:` },
})
const answer = await fetch(request.url, { method: 'POST', headers: { ...request.headers, authorization: `Bearer ${process.env.SUPPLIER}` }, body })
console.log('theirs', await answer.text())
