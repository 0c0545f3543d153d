import { readFileSync } from 'node:fs';
import { drawMap } from '../../../infra/proof/report/map/draw.ts';
import { hasViolations, summarize, type ZoneMap } from '../../../infra/proof/report/map/model.ts';
import { escapeXml } from '../../../infra/terminal.ts';
import { type Attack, INVARIANTS } from './attacks.ts';
import type { StreamDeps } from './stream.ts';

/** An attack, bound to the system that it runs against. */
export interface RunnableAttack extends Omit<Attack, 'step'> {
  /** Why it does not fit the declaration; undefined where it does. */
  unfit: string | undefined;
  /** Resolves to what stopped it; throws where nothing did. */
  run(): Promise<string>;
}

/** What the page shows and does. */
export interface PageDeps extends StreamDeps {
  map: ZoneMap;
  /** The sample event: `send` resolves to what became of it. Undefined where no zone takes one. */
  event: { type: string; source: string; send(): Promise<string> } | undefined;
  attacks: readonly RunnableAttack[];
  /** Undefined where no zone has a login. */
  login: LoginDeps | undefined;
}

/** What the page knows of the login. */
export interface LoginDeps {
  /** URL of the gateway that people log in to. */
  gateway: string;
  /** A path that it forwards to an API; undefined where there is none. */
  call: string | undefined;
  /** File of the local certificate; undefined where people log in at the issuer itself. */
  caFile: string | undefined;
}

/** The page: everything that is there from the start, `page.html` filled in. What changes is filled in by `page.js`. */
export function renderDocument(deps: PageDeps): string {
  const { map, attacks } = deps;
  const parts: Readonly<Record<string, string>> = {
    title: escapeXml(`${map.system} on this machine`),
    event: renderEvent(deps),
    login: renderLogin(deps),
    verdict: hasViolations(map) ? 'bad' : '',
    summary: escapeXml(summarize(map)),
    map: drawMap(map),
    filter: renderFilter(['all', ...deps.names.zones, 'outside']),
    attacks: attacks.map(renderAttack).join('\n'),
    unfit: renderUnfit(attacks),
  };
  return readStatic('page.html').replace(/\{\{(\w+)\}\}/g, (_, name: string) => parts[name] ?? '');
}

/** A file of the page. */
export function readStatic(name: 'page.css' | 'page.html' | 'page.js'): string {
  return readFileSync(new URL(`./static/${name}`, import.meta.url), 'utf8');
}

function renderEvent({ event }: PageDeps): string {
  if (event === undefined) return '';
  return `<div class="card"><h3>An event</h3>
<p><code>${escapeXml(event.type)}</code> of <code>${escapeXml(event.source)}</code> reaches the zone by bus and queue; its function asks its signer, gets a token and calls the API.</p>
<p><button type="button" class="main" id="send">Send the sample event</button></p>
<p id="send-result" role="status"></p></div>`;
}

function renderLogin({ login }: PageDeps): string {
  if (login === undefined) return '';
  const call =
    login.call === undefined
      ? ''
      : `<button type="button" id="call">Call the API <code>${escapeXml(login.call)}</code></button>`;
  return `<div class="card"><h3>A login</h3>
<p>Health personnel log in through the zone’s gateway. Tokens stay there; the browser has a cookie that names a session and nothing else.</p>
<p id="session" role="status">Nobody is logged in.</p>
<p class="out"><a class="button main" href="${escapeXml(login.gateway)}/login?return=/session" target="_blank" rel="noopener">Log in <span class="hint">(new tab)</span></a></p>
${renderWarning(login)}<div class="in" hidden><p class="row">${call}<button type="button" id="logout">Log out</button></p>
<form id="switch"><label for="child">Work for organisation</label> <input id="child" inputmode="numeric" pattern="[0-9]{9}" maxlength="9" required autocomplete="off" aria-describedby="child-hint"><button>Switch</button>
<p class="hint" id="child-hint">Nine digits, valid by their check digit.</p></form></div>
<p id="session-result" role="status"></p></div>`;
}

function renderWarning({ caFile, gateway }: LoginDeps): string {
  const warning =
    caFile === undefined
      ? ''
      : `The browser warns of the stand-in's certificate: it was made on this machine, for this machine alone. Go on past the warning, or trust <code>${escapeXml(caFile)}</code>.`;
  const safari = gateway.startsWith('https:')
    ? ''
    : ' Safari keeps no Secure cookie of http://localhost: for it, start with <code>npm start -- --https</code>.';
  return `<p class="out hint">${warning}${safari}</p>`;
}

function renderAttack({ name, title, tries, stoppedBy, invariants, unfit }: RunnableAttack): string {
  if (unfit !== undefined) return '';
  const id = `attack-${name}`;
  const holds = invariants.map((invariant) => `<dt>${invariant}</dt><dd>${INVARIANTS[invariant]}</dd>`);
  return `<li class="card" id="${id}"><h3 id="${id}-title">${escapeXml(title)}</h3>
<p>${escapeXml(tries)}</p>
<p><button type="button" data-attack="${name}" aria-describedby="${id}-title">Run</button></p>
<div class="result" role="status"></div>
<div class="explanation" hidden><p>What stops it: ${escapeXml(stoppedBy)}.</p>${holds.length > 0 ? `<dl>${holds.join('')}</dl>` : ''}</div></li>`;
}

/** What there is nothing for in the declaration: a line for each reason. */
function renderUnfit(attacks: readonly RunnableAttack[]): string {
  const { '': _, ...reasons } = Object.groupBy(attacks, ({ unfit = '' }) => unfit);
  const lines = Object.entries(reasons).map(([why, unfit = []]) => {
    const titles = unfit.map(({ title }) => title).join('; ');
    return `<p class="hint">Not with this declaration (${escapeXml(why)}): ${escapeXml(titles)}.</p>`;
  });
  return lines.join('');
}

function renderFilter(zones: readonly string[]): string {
  const choices = zones.map((zone, index) => {
    const name = escapeXml(zone);
    return `<label><input type="radio" name="zone" value="${name}"${index === 0 ? ' checked' : ''}>${name}</label>`;
  });
  return choices.join('');
}
