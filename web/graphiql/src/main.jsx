import 'graphiql/setup-workers/vite';
import { StrictMode, useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { createClient } from 'graphql-ws';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import './page.css';
import { starterTabs } from './starters.js';

const url = new URL('../graphql', location.href).href;
const personasURL = new URL('../dev/personas', location.href).href;
const plugins = [HISTORY_PLUGIN, explorerPlugin()];

// The token lives in this page only: in memory, and in the session's storage so
// that a reload stays signed in. It is never a cookie, which other pages could
// ride on.
const kept = 'portico:signed-in';

function useSession() {
  const [personas, setPersonas] = useState(null);
  const [session, setSession] = useState(() => JSON.parse(sessionStorage.getItem(kept) ?? 'null'));
  const [error, setError] = useState('');

  async function signIn(name) {
    setError('');
    if (!name) {
      sessionStorage.removeItem(kept);
      setSession(null);
      return;
    }
    const answer = await fetch(`${personasURL}/${name}`, { method: 'POST' });
    if (!answer.ok) {
      setError(`Sign-in as ${name} failed: ${answer.status}`);
      return;
    }
    const { token, expiresAt } = await answer.json();
    const next = { name, token, expiresAt };
    sessionStorage.setItem(kept, JSON.stringify(next));
    setSession(next);
  }

  useEffect(() => {
    fetch(personasURL)
      .then((answer) => (answer.ok ? answer.json() : []))
      .then((list) => {
        setPersonas(list);
        const expired = !session || Date.parse(session.expiresAt) < Date.now() + 60_000;
        if (list.length > 0 && expired) signIn(session?.name ?? list[0].name);
      })
      .catch(() => setPersonas([]));
  }, []);

  return { personas, session, error, signIn };
}

function Page() {
  const { personas, session, error, signIn } = useSession();
  const fetcher = useMemo(() => {
    const headers = session ? { Authorization: `Bearer ${session.token}` } : {};
    const wsClient = createClient({
      url: url.replace(/^http/, 'ws'),
      lazy: true,
      connectionParams: session ? { authorization: `Bearer ${session.token}` } : {},
    });
    return createGraphiQLFetcher({ url, headers, wsClient });
  }, [session?.token]);

  if (personas === null) return <p className="loading">Loading GraphiQL…</p>;
  return (
    <div className="page">
      <header className="bar">
        <strong>Portico</strong>
        {personas.length > 0 ? (
          <label>
            Signed in as{' '}
            <select id="persona" value={session?.name ?? ''} onChange={(e) => signIn(e.target.value)}>
              <option value="">nobody</option>
              {personas.map((p) => (
                <option key={p.name} value={p.name}>
                  {p.name}: {p.what}
                </option>
              ))}
            </select>
          </label>
        ) : (
          <span>Enter your token under Headers below: {'{ "Authorization": "Bearer …" }'}</span>
        )}
        {error && <span className="error" role="alert">{error}</span>}
      </header>
      <GraphiQL
        fetcher={fetcher}
        plugins={plugins}
        defaultTabs={starterTabs}
        defaultEditorToolsVisibility="variables"
        isHeadersEditorEnabled
      />
    </div>
  );
}

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
