import { readFileSync } from 'node:fs';
import type { KeyEntry } from '@helseid-zones/protocol/record';
import { drawMap } from '../../../infra/proof/report/map/draw.ts';
import { hasViolations, summarize, type ZoneMap } from '../../../infra/proof/report/map/model.ts';
import { escapeXml } from '../../../infra/terminal.ts';
import type { Trail } from '../../aws/trail.ts';
import { type Attack, INVARIANTS } from './attacks.ts';
import type { Names } from './describe-line.ts';
import type { FigureTable } from './figures.ts';

/** An attack, bound to the system that it runs against. */
export interface RunnableAttack extends Omit<Attack, 'step'> {
  /** Why it does not fit the declaration; undefined where it does. */
  unfit: string | undefined;
  /** Resolves to what stopped it; throws where nothing did. */
  run(): Promise<string>;
}

/** A client's keys as the page shows them. */
export interface ClientKeys {
  client: string;
  clientId: string;
  keys: readonly KeyEntry[];
  /** Why the record can't be read, where it can't. */
  problem?: string;
}

/** What the page shows and does. */
export interface PageDeps {
  trail: Trail;
  names: Names;
  map: ZoneMap;
  keys(): readonly ClientKeys[];
  figures(): readonly FigureTable[];
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
export function renderDocument({ map, attacks, names, event, login }: PageDeps): string {
  const unless = (there: unknown) => (there ? '' : 'absent');
  const texts: Readonly<Record<string, string | undefined>> = {
    title: `${map.system} on this machine`,
    summary: summarize(map),
    verdict: hasViolations(map) ? 'bad' : '',
    noEvent: unless(event),
    eventType: event?.type,
    eventSource: event?.source,
    noLogin: unless(login),
    gateway: login?.gateway,
    noCall: unless(login?.call),
    call: login?.call,
    noCertificate: unless(login?.caFile),
    caFile: login?.caFile,
    // With TLS there is nothing that Safari would not keep.
    noSafari: unless(!login?.gateway.startsWith('https:')),
  };
  const markup: Readonly<Record<string, string>> = {
    map: drawMap(map),
    filter: renderFilter(['all', ...names.zones, 'outside']),
    attacks: attacks.map(renderAttack).join('\n'),
    unfit: renderUnfit(attacks),
  };
  const fill = (_: string, name: string) => markup[name] ?? escapeXml(texts[name] ?? '');
  return readStatic('page.html').replace(/\{\{(\w+)\}\}/g, fill);
}

/** A file of the page. */
export function readStatic(name: 'page.css' | 'page.html' | 'page.js'): string {
  return readFileSync(new URL(`./static/${name}`, import.meta.url), 'utf8');
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

const KEY_TIMES = ['Created', 'Current since', 'Signs until', 'Expires at the issuer', 'Days left'];
const KEY_COLUMNS = ['Key', 'State', 'Algorithm', ...KEY_TIMES];

/** Every client's keys, as HTML. `now` is in epoch seconds. */
export function renderKeys(clients: readonly ClientKeys[], now: number): string {
  const when = (seconds: number | undefined) => {
    if (seconds === undefined) return '–';
    // Where the reader is, the page's script says it in the reader's words.
    const at = new Date(seconds * 1000).toISOString();
    return `<time datetime="${at}">${at}</time>`;
  };
  return clients
    .map(({ client, clientId, keys, problem }) => {
      const rows = keys.map(({ kid, state, algorithm, since, usableUntil, expires }) => {
        const times = [since.created, since.current, usableUntil, expires].map(when);
        const left = expires === undefined ? '–' : Math.floor((expires - now) / 86_400);
        return [
          `<code>${escapeXml(kid)}</code>`,
          `<span class="state ${state}">${state}</span>`,
          algorithm,
          ...times,
          left,
        ];
      });
      const none = `<p${problem ? ' class="bad"' : ''}>${escapeXml(problem ?? 'No key yet.')}</p>`;
      const about = `<p>Client id <code>${escapeXml(clientId)}</code></p>`;
      const [title, table] = renderTable(`Client ${client}`, KEY_COLUMNS, rows);
      return title + about + (keys.length > 0 ? table : none);
    })
    .join('');
}

/** The figures, as HTML: a table a subject. */
export function renderFigures(figures: readonly FigureTable[]): string {
  return figures.flatMap(({ title, columns, rows }) => renderTable(title, columns, rows)).join('');
}

/** A heading, and a table that stays one on narrow screens, where each cell names its column. Cells are HTML. */
function renderTable(title: string, columns: readonly string[], rows: FigureTable['rows']): [string, string] {
  const id = `table-${escapeXml(title.replaceAll(' ', '-'))}`;
  const head = columns.map((name) => `<th scope="col" role="columnheader">${name}</th>`).join('');
  const body = rows.map((cells) =>
    cells.map((cell, at) => `<td role="cell" data-label="${columns[at]}">${cell}</td>`),
  );
  const row = (inside: string) => `<tr role="row">${inside}</tr>`;
  const table = `<thead role="rowgroup">${row(head)}</thead><tbody role="rowgroup">${body.map((cells) => row(cells.join(''))).join('')}</tbody>`;
  return [
    `<h3 id="${id}">${escapeXml(title)}</h3>`,
    `<table role="table" aria-labelledby="${id}">${table}</table>`,
  ];
}
