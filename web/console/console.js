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
  replay: `mutation ConsoleReplay($key: IdempotencyKey!, $in: ReplayInput!) { out: replay(idempotencyKey: $key, input: $in) { found changes errors { ... on UserError { message } } } }`,
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

/** An element with attributes (on* are listeners) and children; what is nothing is left out. */
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
const figure = (m) => (m.p95 ? `${span(m.p50)} (95 %: ${span(m.p95)})` : m.percent != null ? `${m.percent} %` : m.count != null ? `${m.count} per thousand` : 'no case');

function say(text) {
  $('#said').textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => ($('#said').textContent = ''), 8000);
}

class SignedOut extends Error {}

/** Asks the graph. What fails altogether is thrown; of a part that failed it is said which. */
async function ask(name, variables) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + token.get() },
    body: JSON.stringify({ query: documents[name], variables, operationName: undefined }),
  });
  if (response.status === 401) throw new SignedOut('The token is not accepted any more.');
  const answer = await response.json();
  if (!answer.data) throw new Error(answer.errors?.map((e) => e.message).join(' ') ?? `The server answered ${response.status}.`);
  if (answer.errors) say(answer.errors[0].message);
  return answer.data;
}

/** Asks for a reason, does something once under a key of its own, and says what came of it. */
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
    say(out.errors.length ? out.errors.map((e) => e.message).join(' ') : typeof done === 'function' ? done(out) : done);
  } catch (e) {
    say(e.message);
  }
  await show();
}

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
    const state = { UP: 'good', DOWN: 'bad', DEGRADED: 'warn', PAUSED: 'warn', MAINTENANCE: 'warn' };
    return [
      el('h2', {}, 'Alerts'),
      table('Alerts', ['How bad', 'What, and what to do', 'At fault', 'Queue', 'Since', ''], d.alerts.nodes.map((a) => row(
        el('span', { class: severity[a.severity] }, words(a.severity)), [el('p', {}, a.message), a.suggestedAction && el('p', { class: 'quiet' }, a.suggestedAction)], blame(a.responsible), a.queue, moment(a.raisedAt),
        el('p', { class: 'buttons' }, a.state === 'OPEN' ? button('Take', () => perform('acknowledge', { alert: a.id }, 'It is yours.')) : el('span', { class: 'quiet' }, 'taken by ' + (a.acknowledgedBy?.displayName ?? 'somebody')),
          button('Resolve', () => act('Resolve', a.message, 'resolve', { alert: a.id }, 'Resolved.', 'resolution'))))), 'Nothing needs anybody.'),
      el('h2', {}, 'Systems'),
      table('Systems', ['System', 'State', 'News is', 'Waiting for it', 'What is wrong', ''], d.sourceHealth.map((h) => row(
        [el('strong', {}, h.instance), ' ', el('span', { class: 'quiet' }, words(h.system))], el('span', { class: state[h.state] }, words(h.state)), h.lag ? span(h.lag) + ' old' : '', el('td', { class: 'n' }, String(h.queueDepth ?? '')), h.pausedReason ?? h.message ?? '',
        h.state === 'PAUSED' ? button('Resume', () => act('Resume ' + h.instance, 'It is called again, and what waits for it runs.', 'resume', { instance: h.instance }, h.instance + ' runs.'))
          : button('Pause', () => act('Pause ' + h.instance, 'Reads come from what is known, and writes wait until it is resumed.', 'pause', { instance: h.instance }, h.instance + ' is paused.')))), 'No system is configured.'),
      el('h2', {}, 'Work in flight'),
      table('Work in flight', ['What', 'Where it stands', 'How many', 'Oldest'], d.workInProgress.map((w) => row(words(w.kind), words(w.state), el('td', { class: 'n' }, String(w.count)), span(w.oldest))), 'Nothing is on its way.'),
    ];
  }],
  parked: ['Parked', async () => {
    const d = await ask('parked');
    const streams = [...new Set(d.inboundDeliveries.nodes.map((n) => n.instance))];
    return [
      el('h2', {}, 'Operations that could not be done'),
      table('Dead letters', ['For', 'Why', 'At fault', 'Tries', 'Last', 'Followed under', ''], d.deadLetters.nodes.map((l) => row(
        l.stream, l.error, blame(l.responsible), el('td', { class: 'n' }, String(l.attempts)), moment(l.lastFailedAt), l.correlationId && link(l.correlationId),
        el('p', { class: 'buttons' }, button('Retry', () => act('Retry', 'It is tried again from the step that failed; what was done before is not done twice.', 'retry', { deadLetter: l.id }, 'It is tried again.'), true),
          button('Discard', () => act('Discard', 'It ends without its effect, and what was done is undone.', 'discard', { deadLetter: l.id }, 'Discarded.'))))), 'Nothing is parked.'),
      el('h2', {}, 'What was pushed and could not be read'),
      table('Deliveries', ['From', 'Delivery', 'Why', 'Came'], d.inboundDeliveries.nodes.map((n) => row(n.instance, el('code', {}, n.deliveryId), n.error ?? '', moment(n.receivedAt))), 'Every delivery was read.'),
      el('h2', {}, 'What was read and could not be understood'),
      table('Records set aside', ['From', 'Record', 'Why', 'Since'], d.sourceHealth.flatMap((h) => (h.rejectedRecords?.nodes ?? []).map((r) => row(h.instance, [r.kind, ' ', el('code', {}, r.sourceRef ?? '')], r.reason, moment(r.at)))), 'Every record was understood.'),
      streams.length > 0 && el('p', { class: 'buttons' }, streams.map((s) => [
        button(`Try ${s} again, without effect`, () => act('Dry run', 'What is kept is read anew, and it is counted what would change.', 'replay', { stream: s + '/deliveries', dryRun: true }, (out) => `${out.found} deliveries, ${out.changes} would change something.`)),
        button(`Apply ${s} again`, () => act('Apply again', 'What is kept is read anew and applied; nothing is applied twice.', 'replay', { stream: s + '/deliveries', dryRun: false }, (out) => `${out.found} deliveries, ${out.changes} changed something.`), true)])),
    ];
  }],
  deviations: ['Deviations', async () => {
    const d = await ask('deviations');
    const open = d.purchaseOrders.nodes.flatMap((po) => po.responses.flatMap((r) => r.deviations.filter((x) => x.state === 'PENDING').map((x) => ({ po, r, x }))));
    return [
      el('h2', {}, 'Answers of suppliers beyond tolerance'),
      table('Deviations', ['Purchase order', 'Supplier', 'Line', 'What', 'Ordered', 'Answered', 'Beyond by', 'Since', ''], open.map(({ po, r, x }) => row(
        link(po.number), po.supplier?.name ?? '', `${x.line.lineNumber} ${x.line.sku}`, words(x.field), x.expected ?? '', x.proposed ?? '', [x.delta, x.limit && el('span', { class: 'quiet' }, ` of ${x.limit}`)], moment(r.receivedAt),
        el('p', { class: 'buttons' }, button('Accept', () => act('Accept', 'The ERP is changed to what the supplier answered.', 'decide', { deviation: x.id, decision: 'ACCEPT' }, 'Accepted.', 'comment'), true),
          button('Reject', () => act('Reject', 'The order stands as it was.', 'decide', { deviation: x.id, decision: 'REJECT' }, 'Rejected.', 'comment'))))), 'No answer waits for a decision.'),
    ];
  }],
  conflicts: ['Conflicts', async () => {
    const d = await ask('conflicts');
    return [
      el('h2', {}, 'What systems say otherwise of the same record'),
      table('Conflicts', ['Record', 'What', 'Is said', 'Steward', 'Since'], d.masterDataConflicts.nodes.map((c) => row(
        `${words(c.capability)} ${c.key}`, c.field,
        c.values.map((v) => el('p', {}, el('span', { class: 'quiet' }, v.provenance.instance + ' '), v.value ?? 'nothing', ' ', v.value != null && button('Hold this', () => act('Hold ' + v.value, `It is written to every system that says otherwise of ${c.key}.`, 'hold', { conflict: c.id, value: v.value }, 'Decided.')))),
        c.steward, moment(c.since))), 'No two systems contradict each other.'),
    ];
  }],
  find: ['Find', async (text) => {
    const form = el('form', { onsubmit: (e) => { e.preventDefault(); location.hash = '#find/' + encodeURIComponent(new FormData(e.target).get('text').trim()); } },
      el('p', {}, el('label', {}, 'Number of an order, purchase order or shipment, or a correlation id ', el('input', { name: 'text', value: text ?? '', autocomplete: 'off', spellcheck: 'false' })), ' ', el('button', { class: 'first' }, 'Find')));
    if (!text) return [el('h2', {}, 'What happened to something'), form];
    const d = await ask('find', { text });
    const hops = (title, entries) => entries.length > 0 && [el('h2', {}, title), el('ol', { class: 'hops' }, entries.map((h) => el('li', {},
      el('span', {}, moment(h.at)), el('span', { class: 'quiet' }, words(h.system)),
      el('span', {}, h.message, h.took && el('span', { class: 'quiet' }, ` (${span(h.took)})`), h.actor && el('span', { class: 'quiet' }, ` by ${h.actor.displayName}`),
        h.responsible && el('span', { class: 'bad' }, ` At fault: ${blame(h.responsible)}.`), h.correlationId && h.correlationId !== text && [' ', el('a', { href: '#find/' + h.correlationId, class: 'quiet' }, 'all of this request')]))))];
    const stands = (w) => w && el('p', {}, `Operation ${w.id} (${words(w.kind)}) is ${words(w.state)}. `, w.queue?.reason, ' ', w.awaiting?.message, ' ', w.failure && el('span', { class: 'bad' }, `${w.failure.message} At fault: ${blame(w.failure.responsible)}.`));
    const found = [
      d.operations.nodes.map(stands),
      d.trace && hops('Everything under ' + text, d.trace.nodes),
      d.order && [el('p', {}, `Order ${d.order.number} is ${words(d.order.status)}.`), stands(d.order.operation), hops('Order ' + d.order.number, d.order.timeline.nodes)],
      d.purchaseOrder && [el('p', {}, `Purchase order ${d.purchaseOrder.number} is ${words(d.purchaseOrder.status)}.`), stands(d.purchaseOrder.operation), hops('Purchase order ' + d.purchaseOrder.number, d.purchaseOrder.timeline.nodes)],
      d.shipment && [el('p', {}, `Shipment ${d.shipment.number} is ${words(d.shipment.status)}.`), d.shipment.orders.map((o) => hops('Order ' + o.number, o.timeline.nodes))],
    ].filter(Boolean);
    return [el('h2', {}, 'What happened to something'), form, found.flat(Infinity).some((f) => f) ? found : el('p', { class: 'quiet' }, `Nothing of the name ${text} is here. Numbers are those of the ERP or warehouse, in full.`)];
  }],
  partners: ['Partners', async () => {
    const d = await ask('partners');
    return [
      el('h2', {}, 'Trading partners'),
      table('Partners', ['Partner', 'Stage', 'What is missing', 'How it keeps its word, 90 days'], d.partners.nodes.map((p) => row(
        [el('strong', {}, p.name), ' ', el('span', { class: 'quiet' }, p.code)], p.onboarding ? words(p.onboarding.stage) : '', (p.onboarding?.checks ?? []).filter((c) => !c.passed).map((c) => el('p', {}, c.name + (c.detail ? ': ' + c.detail : ''))),
        (p.scorecard ?? []).map((m) => el('p', {}, `${words(m.measure)}: ${figure(m)}`)))), 'There is no partner yet.'),
    ];
  }],
  measures: ['Measures', async () => {
    const today = new Date(), month = new Date(today - 29 * 86400e3), iso = (d) => d.toISOString().slice(0, 10);
    const d = await ask('measures', { period: { from: iso(month), to: iso(today) } });
    return [
      el('h2', {}, 'Objectives, the last 30 days'),
      table('Objectives', ['Objective', 'Bound', 'Was', 'Cases', '', 'Missed', 'Queue'], d.sla.map((r) => row(
        r.objective.name, r.objective.maximum ? span(r.objective.maximum) : r.objective.percent + ' %', figure(r.actual), el('td', { class: 'n' }, String(r.actual.samples)), el('span', { class: r.met ? 'good' : 'bad' }, r.met ? 'kept' : 'missed'), el('td', { class: 'n' }, String(r.breaches?.length ?? 0)), r.objective.queue)), 'There is no objective.'),
      el('h2', {}, 'All measures'),
      table('Measures', ['Measure', 'Was', 'Cases'], d.roi.measures.map((m) => row(words(m.measure), figure(m), el('td', { class: 'n' }, String(m.samples)))), 'Nothing was measured yet.'),
    ];
  }],
  schema: ['Schema', async () => {
    const d = await ask('schema');
    return [
      el('h2', {}, 'What goes away of the graph, and who still asks for it'),
      table('Deprecations', ['Part', 'Goes on', 'Why', 'Instead', 'Asked for in 30 days by'], d.deprecations.map((x) => row(
        el('code', {}, x.coordinate), x.sunsetOn, x.reason, x.replacement && el('code', {}, x.replacement), x.usage.length ? x.usage.map((u) => el('p', {}, `${u.client}: ${u.calls}, last ${moment(u.lastUsedAt)}`)) : el('span', { class: 'good' }, 'nobody'))), 'Nothing is deprecated.'),
    ];
  }],
};

/** The form by which an operator signs in: with a token, or in development as the persona. */
async function signIn(why) {
  const development = await fetch('/dev/personas').then((r) => r.ok).catch(() => false);
  const take = (t) => { token.set(t); show(); };
  $('#who').replaceChildren();
  $('#main').replaceChildren(
    el('h2', {}, 'Sign in'), why ? el('p', { class: 'bad' }, why) : '',
    development ? el('p', {}, button('Sign in as the operator of the sandbox', async () => take((await (await fetch('/dev/personas/operator', { method: 'POST' })).json()).token), true)) : '',
    el('form', { onsubmit: (e) => { e.preventDefault(); take(new FormData(e.target).get('token').trim()); } },
      el('p', {}, el('label', {}, 'A token of your issuer, with the scopes ops:read and alert:read ', el('input', { name: 'token', type: 'password', required: true, autocomplete: 'off' })), ' ', el('button', {}, 'Sign in'))));
}

let turn = 0;
/** Shows the page of the address; again is that only its figures may be others. */
async function show(again) {
  const mine = ++turn;
  const [name, text] = (location.hash.slice(1) || 'now').split('/');
  const [title, make] = pages[name] ?? pages.now;
  $('#pages').replaceChildren(...Object.entries(pages).map(([n, [t]]) => el('a', { href: '#' + n, 'aria-current': n === name ? 'page' : null }, t)));
  document.title = `${title} · Portico`;
  if (!token.get()) return signIn();
  try {
    const parts = await make(text && decodeURIComponent(text));
    if (mine !== turn) return;
    const focused = again && document.activeElement?.closest('main') ? [...$('#main').querySelectorAll('a, button, input')].indexOf(document.activeElement) : -1;
    $('#main').replaceChildren(...parts.flat(Infinity).filter(Boolean));
    if (focused >= 0) $('#main').querySelectorAll('a, button, input')[focused]?.focus();
    $('#who').replaceChildren(button('Sign out', () => { token.set(null); show(); }));
  } catch (e) {
    if (mine !== turn) return;
    if (e instanceof SignedOut) { token.set(null); return signIn(e.message); }
    if (again) return say(e.message);
    $('#main').replaceChildren(el('p', { class: 'bad' }, e.message), el('p', {}, button('Try again', () => show())));
  }
}

addEventListener('hashchange', () => show().then(() => $('#main').focus({ preventScroll: true })));
setInterval(() => { if (token.get() && !document.hidden && !$('#ask').open && !(location.hash || '').startsWith('#find')) show(true); }, 5000);
show();
