// What a supplier's program needs to trade with Portico, in Node alone: it makes a key,
// proves it, and answers purchase orders in requests that are signed.
//
//   node client.mjs key                    makes supplier.pem
//   node client.mjs prove                  adds the key to the caller's partner, and proves it
//   node client.mjs accept PURCHASE-ORDER  accepts a purchase order as it is
//
// PORTICO_URL is where Portico is, PORTICO_TOKEN the bearer token, SUPPLIER_KEY the file with
// the key, and SUPPLIER_KEY_ID what prove printed.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

const url = new URL(process.env.PORTICO_URL ?? 'http://localhost:8080/graphql')
const file = process.env.SUPPLIER_KEY ?? 'supplier.pem'
const keyId = process.env.SUPPLIER_KEY_ID
const [what, number] = process.argv.slice(2)

if (what === 'key') {
  const { privateKey } = generateKeyPairSync('ed25519')
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' }) // never over another
} else if (what === 'prove') {
  await prove()
} else if (what === 'accept' && number && keyId) {
  await accept()
} else {
  console.error('say key, prove or accept PURCHASE-ORDER; accept needs SUPPLIER_KEY_ID, which prove prints')
  process.exit(1)
}

// prove adds the public key to the partner that the token is of, and signs its challenge.
async function prove() {
  const key = createPrivateKey(readFileSync(file))
  const me = await ask('{ viewer { ... on SupplierViewer { supplier { id } } } }')
  const publicKeyPem = createPublicKey(key).export({ type: 'spki', format: 'pem' })
  const added = await ask(`mutation ($k: IdempotencyKey!, $in: RotatePartnerKeyInput!) { out: rotatePartnerKey(idempotencyKey: $k, input: $in) {
    errors { ... on UserError { message } } partner { keys { id challenge } } } }`,
  { k: randomUUID(), in: { partner: me.viewer.supplier.id, publicKeyPem, validFrom: new Date().toISOString() } })
  const { id, challenge } = fine(added.out).partner.keys[0] // newest first
  const signature = sign(null, Buffer.from(challenge), key).toString('base64')
  fine((await ask(`mutation ($k: IdempotencyKey!, $in: ProvePartnerKeyInput!) { out: provePartnerKey(idempotencyKey: $k, input: $in) { errors { ... on UserError { message } } } }`,
    { k: randomUUID(), in: { key: id, signature } })).out)
  console.log(id)
}

// accept accepts a purchase order as it is.
async function accept() {
  const key = createPrivateKey(readFileSync(file))
  const { purchaseOrder } = await ask('query ($n: String!) { purchaseOrder(by: {number: $n}) { id revision } }', { n: number })
  if (!purchaseOrder) throw new Error(`there is no purchase order ${number}`)
  const input = { purchaseOrder: purchaseOrder.id, expectedRevision: purchaseOrder.revision, responseNumber: `A-${number}`, kind: 'ACCEPTED' }
  input.signature = signDocument(input, key)
  const { out } = await ask(`mutation ($k: IdempotencyKey!, $in: PurchaseOrderResponseInput!) { out: respondToPurchaseOrder(idempotencyKey: $k, input: $in) {
    errors { ... on UserError { message } } operation { state } response { id } receipt { kind outcome issuedAt signature } } }`, { k: randomUUID(), in: input }, key)
  const { operation, response, receipt } = fine(out)
  // Without an operation it is a test document: the stage of the supplier is TESTING.
  const state = operation?.state ?? (response ? 'taken' : 'taken as a test, without effect')
  console.log(`${number}: ${state}; ${receipt ? `receipt of ${receipt.kind}, given ${receipt.issuedAt}: keep it` : 'no receipt'}`)
}

function fine(payload) {
  if (payload.errors.length) throw new Error(payload.errors[0].message)
  return payload
}

// ask sends an operation; signed with a key, where Portico is to keep it as evidence.
async function ask(query, variables, key) {
  const body = JSON.stringify({ query, variables })
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${process.env.PORTICO_TOKEN}` }
  if (key) signRequest(headers, body, key)
  const answer = await (await fetch(url, { method: 'POST', headers, body })).json()
  if (answer.errors) throw new Error(answer.errors[0].message)
  return answer.data
}

// signRequest is an HTTP Message Signature (RFC 9421) over a Content-Digest (RFC 9530).
function signRequest(headers, body, key) {
  headers['content-digest'] = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
  const created = Math.floor(Date.now() / 1000)
  const params = `("@method" "@authority" "@path" "content-digest" "content-type");created=${created};expires=${created + 300};nonce="${randomUUID()}";keyid="${keyId}";alg="ed25519";tag="portico-procurement"`
  const base = ['"@method": POST', `"@authority": ${url.host}`, `"@path": ${url.pathname}`, `"content-digest": ${headers['content-digest']}`, `"content-type": ${headers['content-type']}`,
    `"@signature-params": ${params}`].join('\n')
  headers['signature-input'] = `sig1=${params}`
  headers.signature = `sig1=:${sign(null, Buffer.from(base), key).toString('base64')}:`
}

// signDocument is a detached JWS (RFC 7515, RFC 7797) over a document's canonical JSON
// (RFC 8785), whose names stand in order and whose numbers and texts JSON.stringify writes.
function signDocument(document, key) {
  const header = Buffer.from(JSON.stringify({ alg: 'EdDSA', b64: false, crit: ['b64'], kid: keyId })).toString('base64url')
  return `${header}..${sign(null, Buffer.from(`${header}.${canonical(document)}`), key).toString('base64url')}`
}

function canonical(v) {
  if (Array.isArray(v)) return `[${v.map(canonical).join(',')}]`
  if (v && typeof v === 'object') return `{${Object.keys(v).sort().map((k) => `${JSON.stringify(k)}:${canonical(v[k])}`).join(',')}}`
  return JSON.stringify(v)
}
