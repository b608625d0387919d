// The operator's console: pages over the public graph with the operator's own token. No build and no library: what stands
// here is what the browser runs.

const documents = {
  now: `query ConsoleNow {
    alerts(first: 50) { nodes { id kind severity state message suggestedAction queue responsible subject raisedAt acknowledgedBy { displayName } } }
    sourceHealth { system instance state message circuit lag queueDepth pausedReason }
    workInProgress { kind state count oldest }
  }`,
  parked: `query ConsoleParked {
    deadLetters(first: 50) { nodes { id stream error responsible attempts firstFailedAt lastFailedAt correlationId } }
    inboundDeliveries(first: 50, filter: { state: [PARKED] }) { nodes { id instance deliveryId receivedAt error attempts } }
    sourceHealth { instance rejectedRecords(first: 50) { nodes { kind sourceRef reason at } } }
  }`,
  deviations: `query ConsoleDeviations {
    purchaseOrders(first: 50, filter: { status: [PENDING_REVIEW] }) { nodes { id number status supplier { name }
      responses { id responseNumber receivedAt deviations { id field expected proposed delta limit withinTolerance state line { lineNumber sku } } } } }
  }`,
  conflicts: `query ConsoleConflicts {
    masterDataConflicts(first: 50, filter: { open: true }) { nodes { id capability key field steward since values { value provenance { instance } } } }
  }`,
  find: `query ConsoleFind($text: String!) {
    order(by: { number: $text }) { number status operation { ...work } timeline(first: 100) { nodes { ...hop } } }
    purchaseOrder(by: { number: $text }) { number status operation { ...work } timeline(first: 100) { nodes { ...hop } } }
    shipment(by: { number: $text }) { number status orders { number timeline(first: 100) { nodes { ...hop } } } }
    trace(correlationId: $text, first: 100) { nodes { ...hop } }
    operations(first: 20, filter: { correlationId: $text }) { nodes { ...work } }
  }
  fragment work on Operation { id kind state correlationId queue { reason } awaiting { message } failure { responsible message } }
  fragment hop on TimelineEntry { at kind message system actor { displayName } subject correlationId took responsible }`,
  partners: `query ConsolePartners {
    partners(first: 100) { nodes { id code name onboarding { stage checks { name stage passed detail } } scorecard { measure samples p95 percent } } }
  }`,
  measures: `query ConsoleMeasures($period: DateRangeInput!) {
    sla(period: $period) { objective { id name measure maximum percent window queue } actual { samples p50 p95 percent } met breaches { id state raisedAt } }
    roi(period: $period) { period { from to } measures { measure samples p50 p95 percent count } }
  }`,
  schema: `query ConsoleSchema { deprecations { coordinate reason since sunsetOn replacement usage { client calls lastUsedAt } } }`,
  acknowledge: `mutation ConsoleAcknowledge($key: IdempotencyKey!, $in: AcknowledgeAlertInput!) { out: acknowledgeAlert(idempotencyKey: $key, input: $in) { errors { ... on UserError { message } } } }`,
  resolve: `mutation ConsoleResolve($key: IdempotencyKey!, $in: ResolveAlertInput!) { out: resolveAlert(idempotencyKey: $key, input: $in) { errors { ... on UserError { message } } } }`,
  retry: `mutation ConsoleRetry($key: IdempotencyKey!, $in: DeadLetterInput!) { out: retryDeadLetter(idempotencyKey: $key, input: $in) { errors { ... on UserError { message } } } }`,
  discard: `mutation ConsoleDiscard($key: IdempotencyKey!, $in: DeadLetterInput!) { out: discardDeadLetter(idempotencyKey: $key, input: $in) { errors { ... on UserError { message } } } }`,
  replay: `mutation ConsoleReplay($key: IdempotencyKey!, $in: ReplayInput!) { out: replay(idempotencyKey: $key, input: $in) { found changes operation { id state } errors { ... on UserError { message } } } }`,
  progress: `query ConsoleProgress($id: ID!) { operation(by: { id: $id }) { id state progress { found changes } failure { message } } }`,
  pause: `mutation ConsolePause($key: IdempotencyKey!, $in: SourceControlInput!) { out: pauseSource(idempotencyKey: $key, input: $in) { errors { ... on UserError { message } } } }`,
  resume: `mutation ConsoleResume($key: IdempotencyKey!, $in: SourceControlInput!) { out: resumeSource(idempotencyKey: $key, input: $in) { errors { ... on UserError { message } } } }`,
  hold: `mutation ConsoleHold($key: IdempotencyKey!, $in: ResolveMasterDataConflictInput!) { out: resolveMasterDataConflict(idempotencyKey: $key, input: $in) { errors { ... on UserError { message } } } }`,
  decide: `mutation ConsoleDecide($key: IdempotencyKey!, $in: DecideDeviationInput!) { out: decideDeviation(idempotencyKey: $key, input: $in) { errors { ... on UserError { message } } } }`,
};

const tiers = {
  CALLER: 'the caller', PORTAL: 'the portal', GATEWAY: "Portico's edge", ORCHESTRATION: 'Portico', ERP: 'the ERP', WMS: 'the warehouse', LOGISTICS: 'the carrier', PARTNER: 'the partner',
};
const token = { get: () => sessionStorage.getItem('portico-token'), set: (t) => (t ? sessionStorage.setItem('portico-token', t) : sessionStorage.removeItem('portico-token')) };
const $ = (selector) => document.querySelector(selector);

/** An element with attributes (on* are listeners) and children; null and false are left out. */
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) e.setAttribute(name, value === true ? '' : value);
  }
  e.append(...children.flat(Infinity).filter((c) => c != null && c !== false));
  return e;
}

const words = (name) => name.toLowerCase().replaceAll('_', ' ');
const moment = (at) => (at ? new Date(at).toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'medium' }) : '');
/** An ISO 8601 duration in its two largest units. */
function span(iso) {
  if (!iso) return '';
  const units = [...iso.matchAll(/([\d.]+)([WDHMS])/g)].map(([, n, u]) => (u === 'S' ? (n < 10 ? +(+n).toFixed(2) : Math.round(n)) + ' s' : n + { W: ' w', D: ' d', H: ' h', M: ' min' }[u]));
  return units.slice(0, 2).join(' ') || '0 s';
}
const figure = (m) => (m.p95 ? `${span(m.p50)} (95 %: ${span(m.p95)})` : m.percent != null ? `${m.percent} %` : m.count != null ? `${m.count} per thousand` : 'no cases');

function say(text) {
  $('#said').textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => ($('#said').textContent = ''), 8000);
}

class SignedOut extends Error {}

/** Queries the graph. A request that fails is thrown; the error of a failed part is shown. */
async function ask(name, variables) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + token.get() },
    body: JSON.stringify({ query: documents[name], variables, operationName: undefined }),
  });
  if (response.status === 401) throw new SignedOut('The token is no longer accepted.');
  const answer = await response.json();
  if (!answer.data) throw new Error(answer.errors?.map((e) => e.message).join(' ') ?? `The server responded with ${response.status}.`);
  if (answer.errors) say(answer.errors[0].message);
  return answer.data;
}

/** Asks for a reason, runs a mutation with a key of its own, and shows the result. */
async function act(title, text, name, input, done, reasoned = 'reason') {
  const dialog = $('#ask');
  dialog.querySelector('h2').textContent = title;
  dialog.querySelector('p').textContent = text;
  dialog.querySelector('form').reset();
  dialog.showModal();
  const answer = await new Promise((resolve) => dialog.addEventListener('close', () => resolve(dialog.returnValue), { once: true }));
  dialog.returnValue = '';
  if (answer !== 'yes') return;
  const reason = dialog.querySelector('input').value;
  await perform(name, { ...input, [reasoned]: reason }, done);
}

async function perform(name, input, done) {
  try {
    const { out } = await ask(name, { key: 'console-' + crypto.randomUUID(), in: input });
    say(out.errors.length ? out.errors.map((e) => e.message).join(' ') : typeof done === 'function' ? await done(out) : done);
  } catch (e) {
    say(e.message);
  }
  await show();
}

const ended = ['COMMITTED', 'FAILED', 'COMPENSATED', 'DEAD_LETTERED'];

/** Follows a replay to its end, and says how far it is meanwhile. */
const follow = (changed) => async (out) => {
  let { operation, ...progress } = out;
  while (operation && !ended.includes(operation.state)) {
    say(`${progress.found} deliveries so far, ${progress.changes} ${changed}. It goes on, here or not.`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    ({ operation } = await ask('progress', { id: operation.id }));
    progress = operation?.progress ?? progress;
  }
  return operation?.failure?.message ?? `${progress.found} deliveries, ${progress.changes} ${changed}.`;
};

const button = (label, onclick, first) => el('button', { type: 'button', onclick, class: first ? 'first' : null }, label);
const table = (caption, heads, rows, none) =>
  rows.length === 0 ? el('p', { class: 'quiet' }, none) : el('div', { class: 'wide' }, el('table', { 'aria-label': caption }, el('thead', {}, el('tr', {}, heads.map((h) => el('th', { scope: 'col' }, h)))), el('tbody', {}, rows)));
const row = (...cells) => el('tr', {}, cells.map((c) => (c instanceof HTMLTableCellElement ? c : el('td', {}, c))));
const blame = (tier) => (tier ? tiers[tier] ?? words(tier) : '');
const link = (text) => el('a', { href: '#find/' + encodeURIComponent(text) }, el('code', {}, text));

const pages = {
  now: ['Now', async () => {
    const d = await ask('now');
    const severity = { CRITICAL: 'bad', WARNING: 'warn', INFO: 'quiet' };
    const state = { UP: 'good', DOWN: 'bad', DEGRADED: 'warn', STALE: 'bad', PAUSED: 'warn', MAINTENANCE: 'warn' };
    return [
      el('h2', {}, 'Alerts'),
      table('Alerts', ['Severity', 'Alert and action', 'Responsible', 'Queue', 'Since', ''], d.alerts.nodes.map((a) => row(
        el('span', { class: severity[a.severity] }, words(a.severity)), [el('p', {}, a.message), a.suggestedAction && el('p', { class: 'quiet' }, a.suggestedAction)], blame(a.responsible), a.queue, moment(a.raisedAt),
        el('p', { class: 'buttons' }, a.state === 'OPEN' ? button('Acknowledge', () => perform('acknowledge', { alert: a.id }, 'Acknowledged.')) : el('span', { class: 'quiet' }, 'acknowledged by ' + (a.acknowledgedBy?.displayName ?? 'somebody')),
          button('Resolve', () => act('Resolve', a.message, 'resolve', { alert: a.id }, 'Resolved.', 'resolution'))))), 'There are no open alerts.'),
      el('h2', {}, 'Systems'),
      table('Systems', ['System', 'State', 'Feed lag', 'Queue depth', 'Problem', ''], d.sourceHealth.map((h) => row(
        [el('strong', {}, h.instance), ' ', el('span', { class: 'quiet' }, words(h.system))], el('span', { class: state[h.state] }, words(h.state)), h.lag ? span(h.lag) : '', el('td', { class: 'n' }, String(h.queueDepth ?? '')), h.pausedReason ?? h.message ?? '',
        h.state === 'PAUSED' ? button('Resume', () => act('Resume ' + h.instance, 'Calls to it start, and queued operations continue.', 'resume', { instance: h.instance }, h.instance + ' is resumed.'))
          : button('Pause', () => act('Pause ' + h.instance, 'Reads are served from the store, and writes are queued until it is resumed.', 'pause', { instance: h.instance }, h.instance + ' is paused.')))), 'No system is configured.'),
      el('h2', {}, 'Work in progress'),
      table('Work in progress', ['Operation', 'State', 'Number', 'Oldest'], d.workInProgress.map((w) => row(words(w.kind), words(w.state), el('td', { class: 'n' }, String(w.count)), span(w.oldest))), 'No operation is in progress.'),
    ];
  }],
  parked: ['Parked', async () => {
    const d = await ask('parked');
    const streams = [...new Set(d.inboundDeliveries.nodes.map((n) => n.instance))];
    return [
      el('h2', {}, 'Dead letters'),
      table('Dead letters', ['Stream', 'Error', 'Responsible', 'Attempts', 'Last attempt', 'Correlation id', ''], d.deadLetters.nodes.map((l) => row(
        l.stream, l.error, blame(l.responsible), el('td', { class: 'n' }, String(l.attempts)), moment(l.lastFailedAt), l.correlationId && link(l.correlationId),
        el('p', { class: 'buttons' }, button('Retry', () => act('Retry', 'It is retried from the step that failed. Completed steps are not repeated.', 'retry', { deadLetter: l.id }, 'It is retried.'), true),
          button('Discard', () => act('Discard', 'It ends, and its completed steps are undone.', 'discard', { deadLetter: l.id }, 'Discarded.'))))), 'There are no dead letters.'),
      el('h2', {}, 'Deliveries that could not be read'),
      table('Deliveries', ['Source', 'Delivery', 'Error', 'Received'], d.inboundDeliveries.nodes.map((n) => row(n.instance, el('code', {}, n.deliveryId), n.error ?? '', moment(n.receivedAt))), 'No delivery is parked.'),
      el('h2', {}, 'Rejected records'),
      table('Rejected records', ['Source', 'Record', 'Reason', 'Since'], d.sourceHealth.flatMap((h) => (h.rejectedRecords?.nodes ?? []).map((r) => row(h.instance, [r.kind, ' ', el('code', {}, r.sourceRef ?? '')], r.reason, moment(r.at)))), 'No record is rejected.'),
      streams.length > 0 && el('p', { class: 'buttons' }, streams.map((s) => [
        button(`Replay ${s}: dry run`, () => act('Dry run', 'The stored deliveries are read, and the changes are counted but not applied.', 'replay', { stream: s + '/deliveries', dryRun: true }, follow('would change a record'))),
        button(`Replay ${s}`, () => act('Replay', 'The stored deliveries are read and applied. Nothing is applied twice.', 'replay', { stream: s + '/deliveries', dryRun: false }, follow('changed a record')), true)])),
    ];
  }],
  deviations: ['Deviations', async () => {
    const d = await ask('deviations');
    const open = d.purchaseOrders.nodes.flatMap((po) => po.responses.flatMap((r) => r.deviations.filter((x) => x.state === 'PENDING').map((x) => ({ po, r, x }))));
    return [
      el('h2', {}, 'Order responses beyond tolerance'),
      table('Deviations', ['Purchase order', 'Supplier', 'Line', 'Field', 'Ordered', 'Proposed', 'Deviation', 'Since', ''], open.map(({ po, r, x }) => row(
        link(po.number), po.supplier?.name ?? '', `${x.line.lineNumber} ${x.line.sku}`, words(x.field), x.expected ?? '', x.proposed ?? '', [x.delta, x.limit && el('span', { class: 'quiet' }, ` of ${x.limit}`)], moment(r.receivedAt),
        el('p', { class: 'buttons' }, button('Accept', () => act('Accept', 'The ERP is updated with the order response.', 'decide', { deviation: x.id, decision: 'ACCEPT' }, 'Accepted.', 'comment'), true),
          button('Reject', () => act('Reject', 'The purchase order remains as it was.', 'decide', { deviation: x.id, decision: 'REJECT' }, 'Rejected.', 'comment'))))), 'No order response is waiting for a decision.'),
    ];
  }],
  conflicts: ['Conflicts', async () => {
    const d = await ask('conflicts');
    return [
      el('h2', {}, 'Values that differ between systems'),
      table('Conflicts', ['Record', 'Field', 'Values', 'Steward', 'Since'], d.masterDataConflicts.nodes.map((c) => row(
        `${words(c.capability)} ${c.key}`, c.field,
        c.values.map((v) => el('p', {}, el('span', { class: 'quiet' }, v.provenance.instance + ' '), v.value ?? 'no value', ' ', v.value != null && button('Use this value', () => act('Use ' + v.value, `It is written to every system that has another value for ${c.key}.`, 'hold', { conflict: c.id, value: v.value }, 'Decided.')))),
        c.steward, moment(c.since))), 'There are no open conflicts.'),
    ];
  }],
  find: ['Find', async (text) => {
    const form = el('form', { onsubmit: (e) => { e.preventDefault(); location.hash = '#find/' + encodeURIComponent(new FormData(e.target).get('text').trim()); } },
      el('p', {}, el('label', {}, 'Number of an order, purchase order or shipment, or a correlation id ', el('input', { name: 'text', value: text ?? '', autocomplete: 'off', spellcheck: 'false' })), ' ', el('button', { class: 'first' }, 'Find')));
    if (!text) return [el('h2', {}, 'Find'), form];
    const d = await ask('find', { text });
    const hops = (title, entries) => entries.length > 0 && [el('h2', {}, title), el('ol', { class: 'hops' }, entries.map((h) => el('li', {},
      el('span', {}, moment(h.at)), el('span', { class: 'quiet' }, words(h.system)),
      el('span', {}, h.message, h.took && el('span', { class: 'quiet' }, ` (${span(h.took)})`), h.actor && el('span', { class: 'quiet' }, ` by ${h.actor.displayName}`),
        h.responsible && el('span', { class: 'bad' }, ` Responsible: ${blame(h.responsible)}.`), h.correlationId && h.correlationId !== text && [' ', el('a', { href: '#find/' + h.correlationId, class: 'quiet' }, 'trace')]))))];
    const stands = (w) => w && el('p', {}, `Operation ${w.id} (${words(w.kind)}) is ${words(w.state)}. `, w.queue?.reason, ' ', w.awaiting?.message, ' ', w.failure && el('span', { class: 'bad' }, `${w.failure.message} Responsible: ${blame(w.failure.responsible)}.`));
    const found = [
      d.operations.nodes.map(stands),
      d.trace && hops('Trace of ' + text, d.trace.nodes),
      d.order && [el('p', {}, `Order ${d.order.number} is ${words(d.order.status)}.`), stands(d.order.operation), hops('Order ' + d.order.number, d.order.timeline.nodes)],
      d.purchaseOrder && [el('p', {}, `Purchase order ${d.purchaseOrder.number} is ${words(d.purchaseOrder.status)}.`), stands(d.purchaseOrder.operation), hops('Purchase order ' + d.purchaseOrder.number, d.purchaseOrder.timeline.nodes)],
      d.shipment && [el('p', {}, `Shipment ${d.shipment.number} is ${words(d.shipment.status)}.`), d.shipment.orders.map((o) => hops('Order ' + o.number, o.timeline.nodes))],
    ].filter(Boolean);
    return [el('h2', {}, 'Find'), form, found.flat(Infinity).some((f) => f) ? found : el('p', { class: 'quiet' }, `There is nothing with the number or id ${text}. Enter the full number of the ERP or the warehouse.`)];
  }],
  partners: ['Partners', async () => {
    const d = await ask('partners');
    return [
      el('h2', {}, 'Trading partners'),
      table('Partners', ['Partner', 'Stage', 'Missing checks', 'Scorecard, 90 days'], d.partners.nodes.map((p) => row(
        [el('strong', {}, p.name), ' ', el('span', { class: 'quiet' }, p.code)], p.onboarding ? words(p.onboarding.stage) : '', (p.onboarding?.checks ?? []).filter((c) => !c.passed).map((c) => el('p', {}, c.name + (c.detail ? ': ' + c.detail : ''))),
        (p.scorecard ?? []).map((m) => el('p', {}, `${words(m.measure)}: ${figure(m)}`)))), 'There are no partners.'),
    ];
  }],
  measures: ['Measures', async () => {
    const today = new Date(), month = new Date(today - 29 * 86400e3), iso = (d) => d.toISOString().slice(0, 10);
    const d = await ask('measures', { period: { from: iso(month), to: iso(today) } });
    return [
      el('h2', {}, 'Objectives, last 30 days'),
      table('Objectives', ['Objective', 'Limit', 'Actual', 'Cases', 'Result', 'Breaches', 'Queue'], d.sla.map((r) => row(
        r.objective.name, r.objective.maximum ? span(r.objective.maximum) : r.objective.percent + ' %', figure(r.actual), el('td', { class: 'n' }, String(r.actual.samples)), el('span', { class: r.met ? 'good' : 'bad' }, r.met ? 'met' : 'missed'), el('td', { class: 'n' }, String(r.breaches?.length ?? 0)), r.objective.queue)), 'There are no objectives.'),
      el('h2', {}, 'All measures'),
      table('Measures', ['Measure', 'Actual', 'Cases'], d.roi.measures.map((m) => row(words(m.measure), figure(m), el('td', { class: 'n' }, String(m.samples)))), 'There are no measurements yet.'),
    ];
  }],
  schema: ['Schema', async () => {
    const d = await ask('schema');
    return [
      el('h2', {}, 'Deprecated elements of the schema'),
      table('Deprecations', ['Element', 'Removal', 'Reason', 'Replacement', 'Used in the last 30 days by'], d.deprecations.map((x) => row(
        el('code', {}, x.coordinate), x.sunsetOn, x.reason, x.replacement && el('code', {}, x.replacement), x.usage.length ? x.usage.map((u) => el('p', {}, `${u.client}: ${u.calls}, last ${moment(u.lastUsedAt)}`)) : el('span', { class: 'good' }, 'nobody'))), 'Nothing is deprecated.'),
    ];
  }],
};

/** The sign-in form: with a token, or in development as the persona. */
async function signIn(why) {
  const development = await fetch('/dev/personas').then((r) => r.ok).catch(() => false);
  const take = (t) => { token.set(t); show(); };
  $('#who').replaceChildren();
  $('#main').replaceChildren(
    el('h2', {}, 'Sign in'), why ? el('p', { class: 'bad' }, why) : '',
    development ? el('p', {}, button('Sign in as the operator of the sandbox', async () => take((await (await fetch('/dev/personas/operator', { method: 'POST' })).json()).token), true)) : '',
    el('form', { onsubmit: (e) => { e.preventDefault(); take(new FormData(e.target).get('token').trim()); } },
      el('p', {}, el('label', {}, 'Token of your issuer with the scopes ops:read and alert:read ', el('input', { name: 'token', type: 'password', required: true, autocomplete: 'off' })), ' ', el('button', {}, 'Sign in'))));
}

const links = Object.fromEntries(Object.entries(pages).map(([n, [title]]) => [n, el('a', { href: '#' + n }, title)]));
$('#pages').replaceChildren(...Object.values(links));

/** Whether a pointer is down: what is pressed must stay until it is released, or the click is lost. */
let pressed = false;
for (const [type, down] of [['pointerdown', true], ['pointerup', false], ['pointercancel', false]]) addEventListener(type, () => { pressed = down; }, true);

let turn = 0, loading = 0;
/**
 * Shows the page of the address. A refresh keeps the focus and the page if it fails, and is left out while a page is loading (one that
 * takes longer than a refresh would never be shown) or something is pressed.
 */
async function show(refresh) {
  if (refresh && (loading > 0 || pressed)) return;
  const mine = ++turn;
  const [name, text] = (location.hash.slice(1) || 'now').split('/');
  const [title, make] = pages[name] ?? pages.now;
  for (const [n, link] of Object.entries(links)) n === name ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current');
  document.title = `${title} · Portico`;
  if (!token.get()) return signIn();
  loading++;
  try {
    const parts = await make(text && decodeURIComponent(text));
    if (mine !== turn || refresh && pressed) return;
    const focused = refresh && document.activeElement?.closest('main') ? [...$('#main').querySelectorAll('a, button, input')].indexOf(document.activeElement) : -1;
    $('#main').replaceChildren(...parts.flat(Infinity).filter(Boolean));
    if (focused >= 0) $('#main').querySelectorAll('a, button, input')[focused]?.focus();
    $('#who').replaceChildren(button('Sign out', () => { token.set(null); show(); }));
  } catch (e) {
    if (mine !== turn) return;
    if (e instanceof SignedOut) { token.set(null); return signIn(e.message); }
    if (refresh) return say(e.message);
    $('#main').replaceChildren(el('p', { class: 'bad' }, e.message), el('p', {}, button('Retry', () => show())));
  } finally {
    loading--;
  }
}

addEventListener('hashchange', () => show().then(() => $('#main').focus({ preventScroll: true })));
setInterval(() => { if (token.get() && !document.hidden && !$('#ask').open && !(location.hash || '').startsWith('#find')) show(true); }, 5000);
show();
