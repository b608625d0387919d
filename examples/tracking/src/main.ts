import './style.css';
import type { DetailsFragment } from './gql/graphql';
import { follow, known } from './live';

const list = document.querySelector('#list') as HTMLElement;
const article = document.querySelector('#shipment') as HTMLElement;
const live = document.querySelector('#live') as HTMLElement;
const persona = document.querySelector('#persona') as HTMLSelectElement;

let shown: DetailsFragment[] = [];
let chosen = location.hash.slice(1);
let stop = () => {};

const words = (code: string) => code.charAt(0) + code.slice(1).toLowerCase().replaceAll('_', ' ');
const when = (at: string) => new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** An element with attributes and children; text is never taken for HTML. */
function el(name: string, attributes: Record<string, string> = {}, ...children: (Node | string)[]): HTMLElement {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  e.append(...children);
  return e;
}

function show() {
  list.replaceChildren(
    ...shown.map((s) => {
      const button = el('button', { 'data-id': s.id, 'aria-current': String(s.id === chosen) }, el('b', {}, s.number), el('span', { class: `status ${s.status}` }, words(s.status)), el('small', {}, `to ${s.destination?.city ?? '—'}`));
      button.onclick = () => choose(s.id);
      return button;
    }),
  );
  const s = shown.find((x) => x.id === chosen);
  if (!s) {
    article.replaceChildren(el('p', { class: 'hint' }, shown.length ? 'Choose a shipment.' : 'There are no shipments yet.'));
    return;
  }
  const open = article.querySelector('details')?.open ?? false;
  const why = el('details', open ? { open: '' } : {}, el('summary', {}, 'Explain this status'));
  why.append(el('p', {}, s.statusExplanation?.rule ?? ''));
  const facts = el('ul');
  for (const f of s.statusExplanation?.facts ?? []) facts.append(el('li', f.used ? {} : { class: 'ignored' }, `${when(f.at)} · ${f.message}${f.used ? '' : ` (ignored: ${words(f.ignoredBecause ?? '')})`}`));
  why.append(facts);
  article.replaceChildren(
    el('h2', {}, `Shipment ${s.number} `, el('span', { class: `status ${s.status}` }, words(s.status))),
    el('p', { class: 'facts' }, s.proofOfDelivery ? `Delivered ${when(s.proofOfDelivery.deliveredAt)}${s.proofOfDelivery.signedBy ? `, signed by ${s.proofOfDelivery.signedBy}` : ''}` : s.eta ? `Expected ${when(s.eta.at)}` : 'No estimate of arrival yet'),
    ...(s.exception ? [el('p', { class: 'trouble', role: 'alert' }, s.exception.message, ...(s.exception.suggestedAction ? [' ', s.exception.suggestedAction] : []))] : []),
    route(s),
    el(
      'ol',
      { id: 'timeline' },
      ...(s.events.nodes.map((e) => {
        const place = [e.location?.city, e.location?.country].filter(Boolean).join(', ');
        const kinds = [e.classifier === 'ACTUAL' ? '' : 'expected', e.correctedBy ? 'corrected' : ''].filter(Boolean).join(' ');
        return el('li', { 'data-event': e.id, class: kinds }, el('time', { datetime: e.occurredAt }, when(e.occurredAt)), el('span', {}, e.raw.text || words(e.milestone)), el('small', {}, place));
      }) as Node[]),
    ),
    why,
  );
}

/** The route, drawn from coordinates, without map tiles. */
function route(s: DetailsFragment): SVGElement {
  const points: { name: string; lat: number; lon: number }[] = [];
  const add = (name: string | null | undefined, lat?: number | null, lon?: number | null) => {
    if (lat == null || lon == null) return;
    const last = points.at(-1);
    if (last?.lat !== lat || last?.lon !== lon) points.push({ name: name ?? '', lat, lon });
  };
  add(s.origin?.city ?? s.origin?.name, s.origin?.latitude, s.origin?.longitude);
  for (const e of s.events.nodes) if (e.classifier === 'ACTUAL' && !e.correctedBy) add(e.location?.city, e.location?.latitude, e.location?.longitude);
  const [width, height, margin] = [640, 200, 48];
  const svg = (name: string, attributes: Record<string, string | number>, text = '') => {
    const e = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, String(v));
    e.textContent = text;
    return e;
  };
  const picture = svg('svg', { id: 'route', viewBox: `0 0 ${width} ${height}`, role: 'img' });
  picture.append(svg('title', {}, points.length ? `Route: ${points.map((p) => p.name).join(', ')}` : 'No places yet'));
  if (!points.length) return picture;
  const middle = (Math.min(...points.map((p) => p.lat)) + Math.max(...points.map((p) => p.lat))) / 2;
  const flat = points.map((p) => ({ ...p, x: p.lon * Math.cos((middle * Math.PI) / 180), y: -p.lat }));
  const span = (of: number[]) => [Math.min(...of), Math.max(...of)] as const;
  const [left, right] = span(flat.map((p) => p.x));
  const [top, bottom] = span(flat.map((p) => p.y));
  const scale = Math.min((width - 2 * margin) / Math.max(right - left, 0.5), (height - 2 * margin) / Math.max(bottom - top, 0.5));
  const at = flat.map((p) => ({ name: p.name, x: width / 2 + (p.x - (left + right) / 2) * scale, y: height / 2 + (p.y - (top + bottom) / 2) * scale }));
  picture.append(svg('polyline', { points: at.map((p) => `${p.x.toFixed(1)},${p.y.toFixed(1)}`).join(' ') }));
  at.forEach((p, i) => {
    picture.append(svg('circle', { cx: p.x.toFixed(1), cy: p.y.toFixed(1), r: i === at.length - 1 ? 7 : 4, class: i === at.length - 1 ? 'here' : '' }));
    picture.append(svg('text', { x: p.x.toFixed(1), y: (p.y - 12).toFixed(1) }, p.name));
  });
  return picture;
}

function choose(id: string) {
  chosen = id;
  history.replaceState(null, '', `#${id}`);
  show();
}

function begin() {
  stop();
  shown = [];
  show();
  stop = follow(persona.value, {
    all(shipments) {
      shown = shipments;
      if (!shown.some((s) => s.id === chosen)) chosen = shown[0]?.id ?? '';
      show();
    },
    changed(shipment) {
      const i = shown.findIndex((s) => s.id === shipment.id);
      if (i >= 0) shown[i] = shipment;
      else shown.unshift(shipment);
      show();
    },
    state(state, text) {
      live.className = state.replace(' ', '-');
      live.textContent = text;
    },
  });
}

persona.onchange = begin;
known().then((all) => {
  persona.append(...all.map((p) => new Option(`${p.name}: ${p.what}`, p.name)));
  begin();
});
