import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import { onEnd, pipe, subscribe, take, toPromise } from 'wonka';
import type { DetailsFragment } from './gql/graphql';
import { shipments, updates } from './operations';

/** What the page receives. */
export interface Listener {
  /** All shipments to show, initially or after a gap. */
  all(shipments: DetailsFragment[]): void;
  /** A shipment changed; this is its current state. */
  changed(shipment: DetailsFragment): void;
  /** State of the connection, as text. */
  state(state: 'live' | 'catching up' | 'lost', text: string): void;
}

const graphQL = new URL('../../graphql', location.href);
const personas = new URL('../../dev/personas', location.href).href;

export interface Persona {
  name: string;
  what: string;
}

/** Personas that can sign in, in development. */
export async function known(): Promise<Persona[]> {
  return (await fetch(personas)).json();
}

/** Subscribes to the shipments of a persona until the returned function is called. */
export function follow(persona: string, on: Listener): () => void {
  let cursor: string | undefined; // of the last item that was dealt with
  let stopped = false;
  let leave = () => {};
  let wait = 250;

  const token = async () => {
    const answer = await fetch(`${personas}/${persona}`, { method: 'POST' });
    if (!answer.ok) throw new Error(`signing in: ${answer.status}`);
    return (await answer.json()).token as string;
  };

  const connect = async () => {
    on.state(cursor ? 'catching up' : 'lost', cursor ? 'Catching up…' : 'Connecting…');
    let bearer: string;
    try {
      bearer = await token();
    } catch {
      return again();
    }
    const socket = createClient({
      url: graphQL.href.replace(/^http/, 'ws'),
      connectionParams: { authorization: `Bearer ${bearer}` },
      retryAttempts: 0, // a broken stream resumes from the last cursor, not from its start
      keepAlive: 10_000,
    });
    const client = new Client({
      url: graphQL.href,
      preferGetMethod: false,
      fetchOptions: { headers: { authorization: `Bearer ${bearer}` } },
      exchanges: [
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: (request) => ({
            subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: request.query ?? '', variables: request.variables }, sink) }),
          }),
        }),
      ],
    });
    const load = async () => {
      const result = await pipe(client.query(shipments, {}, { requestPolicy: 'network-only' }), take(1), toPromise);
      const nodes = result.data?.shipments?.nodes;
      if (nodes) on.all(nodes);
      else over();
    };
    let ended = false;
    const over = () => {
      if (ended) return;
      ended = true;
      leave();
      void socket.dispose();
      again();
    };
    const { unsubscribe } = pipe(
      client.subscription(updates, { after: cursor }),
      onEnd(over),
      subscribe((result) => {
        const item = result.data?.shipmentUpdates;
        if (result.error || !item) return over();
        wait = 250;
        switch (item.__typename) {
          case 'StreamGap':
            void load();
            break;
          case 'StreamCaughtUp':
            // The list is first loaded when no change can be missed any more.
            if (!cursor) void load();
            on.state('live', item.replayed ? `Live: ${item.replayed} missed changes received` : 'Live');
            break;
          case 'ShipmentUpdate':
            if (item.shipment.direction === 'OUTBOUND') on.changed(item.shipment);
        }
        cursor = item.cursor;
      }),
    );
    leave = unsubscribe;
  };

  const again = () => {
    if (stopped) return;
    on.state('lost', 'Connection lost, reconnecting…');
    setTimeout(() => !stopped && void connect(), wait);
    wait = Math.min(wait * 2, 5000);
  };

  void connect();
  return () => {
    stopped = true;
    leave();
  };
}
