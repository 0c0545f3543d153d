import { isKept, type MapNode, type ZoneMap } from './model.ts';

/** A node's name where its notes are not shown. */
export function nameOf({ kind, label, notes }: MapNode): string {
  return isKept({ kind }) ? `the ${label} ${notes[0]}` : label;
}

/** The whole map in a sentence or two, for those who do not see it. */
export function summarize(map: ZoneMap): string {
  const { zones, nodes, calls } = map;
  const count = (kind: MapNode['kind'], noun: string) => {
    const number = nodes.filter((node) => node.kind === kind).length;
    return `${number} ${noun}${number === 1 ? '' : 's'}`;
  };
  const names = zones.filter(({ signing }) => !signing).map(({ name }) => name);
  return `Zones ${names.join(', ')} and the signing zone of ${map.system}: ${count('function', 'function')}, ${count('signer', 'signer')}, ${count('key', 'client key')}, ${calls.length} permitted calls. ${verdict(map)}`;
}

/** Whether anything violates a boundary, in a sentence. */
export function verdict({ findings, calls, assumptions }: ZoneMap): string {
  const count = Math.max(findings.length, calls.filter(({ violated }) => violated).length);
  const assumed = assumptions.map(({ kind, name, assumes }) => ` ${kind} ${name}: ${assumes}.`);
  if (count === 0 && assumed.length > 0)
    return `No violation of a boundary, assuming what no template shows:${assumed.join('')}`;
  if (count === 0) return 'No violation of a boundary.';
  return `${count} violation${count === 1 ? '' : 's'} of boundaries, in red.`;
}
