import { drawMap } from '../../../infra/proof/report/map/draw.ts';
import { hasViolations, type ZoneMap } from '../../../infra/proof/report/map/model.ts';
import { renderZones } from '../../../infra/proof/report/map/page.ts';
import { summarize } from '../../../infra/proof/report/map/words.ts';
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
  /** Certificate file of the local authority; undefined where people log in at the issuer itself. */
  caFile: string | undefined;
}

/** The page: everything that is there from the start. What changes is filled in by `page.js`. */
export function renderDocument(deps: PageDeps): string {
  const { map } = deps;
  const title = `${map.system} on this machine`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(title)}</title>
<link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header>
<h1>${escapeXml(title)}</h1>
<nav aria-label="On this page"><ul>
<li><a href="#try">Try it</a></li><li><a href="#map">Map</a></li><li><a href="#trail-heading">Audit trail</a></li>
<li><a href="#attacks">Attacks</a></li><li><a href="#keys-heading">Keys</a></li></ul></nav>
</header>
<main id="main" tabindex="-1">
<noscript><p class="bad">This page needs its script to show what happens.</p></noscript>
<section aria-labelledby="try">
<h2 id="try">Try it</h2>
<div class="cards">${renderEvent(deps)}${renderLogin(deps)}</div>
</section>
<section aria-labelledby="map">
<h2 id="map">Zone map</h2>
<p${hasViolations(map) ? ' class="bad"' : ''}>${escapeXml(summarize(map))} What happens lights up.</p>
${drawMap(map)}
<details><summary>The map in words</summary>${renderZones(map, 'h3')}</details>
</section>
<section aria-labelledby="trail-heading">
<h2 id="trail-heading">Audit trail</h2>
<p>As it happens. Never tokens, assertions, proofs or people.</p>
<form class="filter" aria-label="Filter of the audit trail"><fieldset><legend>Zone</legend>${renderFilter(['all', ...deps.names.zones, 'outside'])}</fieldset>
<button type="button" id="pause" aria-pressed="false">Pause</button></form>
<div class="trail" role="log" aria-live="off" aria-labelledby="trail-heading" tabindex="0"><ol id="trail"></ol></div>
</section>
<section aria-labelledby="attacks">
<h2 id="attacks">Attacks</h2>
<p>Run one against the running system. Each first shows that what is allowed works, then that the attack does not.</p>
<p><button type="button" id="attack-all">Run all</button></p>
<ul class="cards attacks">${deps.attacks.map(renderAttack).join('\n')}</ul>${renderUnfit(deps.attacks)}
</section>
<section aria-labelledby="keys-heading">
<h2 id="keys-heading">Keys</h2>
<div id="keys"></div>
</section>
</main>
<p id="live" aria-hidden="true" hidden></p>
</body>
</html>
`;
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
      : `The browser warns of the stand-in's certificate: its authority was made on this machine, for this machine alone. Go on past the warning, or trust <code>${escapeXml(caFile)}</code>.`;
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
