import type { Finding } from '../../rules/rule.ts';
import { describeZone, type Fact, readFacts, summarize } from './facts.ts';
import { layoutNarrow } from './layout-narrow.ts';
import { layoutWide } from './layout-wide.ts';
import { hasViolations, type MapZone, nodesIn, type ZoneMap, zoneTitle } from './model.ts';
import { PAGE_STYLE } from './page-style.ts';
import { MAP_STYLE } from './style.ts';
import { drawing, escapeXml } from './svg.ts';

/** The map as one HTML page that loads nothing and runs nothing: the drawing, and the same in words, zone by zone. */
export function renderHtml(map: ZoneMap): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Zone map of ${escapeXml(map.system)}</title>
<style>${MAP_STYLE}${PAGE_STYLE}</style>
</head>
<body>
<main>
<h1>Zone map of ${escapeXml(map.system)}</h1>
<p${hasViolations(map) ? ' class="bad"' : ''}>${escapeXml(summarize(map))}</p>
${renderFindings(map.findings)}
${renderFigure(map, true)}
${renderZones(map)}
</main>
</body>
</html>
`;
}

/** The drawing for a page; `style` says whether its style is in it. */
export function renderFigure(map: ZoneMap, style = false): string {
  const description = ['Every call in it stands below, zone by zone.'];
  const wide = drawing(map, layoutWide(map), { description, style });
  const middle = drawing(map, layoutNarrow(map, 720), { description, style: false, prefix: 'middle' });
  const narrow = drawing(map, layoutNarrow(map, 350), { description, style: false, prefix: 'narrow' });
  // Never smaller than its text can be read: what does not fit is scrolled to, by keys too.
  const area = (kind: string, svg: string) =>
    `<div class="${kind}" tabindex="0" role="group" aria-label="Zone map">${svg}</div>`;
  return `<figure class="map">${area('wide', wide)}${area('middle', middle)}${area('narrow', narrow)}</figure>`;
}

/** The map in words: a section a zone under a heading of the given level, with a table of what may be called from it. */
export function renderZones(map: ZoneMap, heading: 'h2' | 'h3' = 'h2'): string {
  const facts = readFacts(map);
  return map.zones
    .map((zone) =>
      renderZone(
        map,
        zone,
        facts.filter((fact) => fact.zone === zone.name),
        heading,
      ),
    )
    .join('\n');
}

function renderZone(map: ZoneMap, zone: MapZone, facts: readonly Fact[], heading: string): string {
  const title = zoneTitle(zone.name);
  const id = `zone-${zone.name}`;
  const signers = nodesIn(map, zone.name, 'signer').map(
    ({ label, notes }) => `<li><code>${escapeXml(label)}</code> signs ${escapeXml(notes.join('; '))}</li>`,
  );
  return `<section aria-labelledby="${id}">
<${heading} id="${id}">${escapeXml(title.charAt(0).toUpperCase() + title.slice(1))}</${heading}>
<p>${escapeXml(describeZone(zone))}</p>
${signers.length === 0 ? '' : `<ul>${signers.join('')}</ul>`}
${renderFacts(facts, id)}
</section>`;
}

function renderFacts(facts: readonly Fact[], id: string): string {
  if (facts.length === 0) return '<p>Nothing here may call anything.</p>';
  const rows = facts.map(({ who, may, what, through, when, violated }) => {
    const cells = [
      ['who', `<code>${escapeXml(who)}</code>`],
      ['may', escapeXml(violated ? `${may} (violates a boundary)` : may)],
      ['what', `<code>${escapeXml(what)}</code>`],
      ['through', escapeXml(through)],
      ['when', escapeXml(when === '' ? 'always' : when)],
    ].map(([label, html]) => `<td role="cell" data-label="${label}">${html}</td>`);
    return `<tr role="row"${violated ? ' class="bad"' : ''}>${cells.join('')}</tr>`;
  });
  const heads = ['Who', 'May', 'What', 'Through', 'When'].map(
    (head) => `<th role="columnheader" scope="col">${head}</th>`,
  );
  return `<table role="table" aria-labelledby="${id}"><thead role="rowgroup"><tr role="row">${heads.join('')}</tr></thead>
<tbody role="rowgroup">${rows.join('\n')}</tbody></table>`;
}

function renderFindings(findings: readonly Finding[]): string {
  if (findings.length === 0) return '';
  const items = findings.map(
    ({ rule, invariant, resource, message, path, remedy }) =>
      `<li><strong>${escapeXml(invariant)}, ${escapeXml(rule)}</strong>: <code>${escapeXml(resource)}</code>. ${escapeXml(message)} (${escapeXml(path.join(' → '))}) ${escapeXml(remedy)}</li>`,
  );
  return `<section class="bad" aria-labelledby="violations"><h2 id="violations">Violations</h2><ul>${items.join('\n')}</ul></section>`;
}
