import { routeLabel } from '../../../infra/proof/report/map/entries.ts';
import { elementId, type MapNode, type ZoneMap } from '../../../infra/proof/report/map/model.ts';
import type { TrailLine } from '../../aws/trail.ts';

/** A line of the trail as the page shows it. */
export interface LineView {
  /** Epoch milliseconds. */
  at: number;
  /** A zone, or `outside` for what belongs to none. */
  zone: string;
  /** Who did it: a function, `API Gateway`, a stand-in. */
  who: string;
  what: string;
  tone: 'done' | 'refused' | 'plain';
  /** What lines of one request have in common. */
  trace?: string | undefined;
  /** Elements of the map that it happened between. */
  from?: string | undefined;
  to?: string | undefined;
}

/** A line in words; undefined for what is not worth a line: metrics. */
export function describeLine(line: TrailLine, names: Names): LineView | undefined {
  const view = DESCRIPTIONS[line.kind](line, names);
  if (view === undefined) return undefined;
  const traced = { ...view, trace: line.trace };
  if (!asksForNonce(line)) return traced;
  return { ...traced, what: view.what.replace(/^refused\b/, 'challenged'), tone: 'plain' };
}

/** Whether a line tells of the challenge that gives a client its first nonce (RFC 9449 8 and 9): a step, not a refusal. */
function asksForNonce({ fields }: TrailLine): boolean {
  return Object.values(fields).some((value) => typeof value === 'string' && /\buse_dpop_nonce\b/.test(value));
}

const DESCRIPTIONS: Readonly<
  Record<TrailLine['kind'], (line: TrailLine, names: Names) => LineView | undefined>
> = {
  aws: describeCall,
  log: describeLog,
  entry: describeEntry,
  'stand-in': ({ at, fields: { service, event, detail } }) => ({
    at,
    zone: 'outside',
    who: text(service),
    what: `${text(event)}: ${text(detail)}`,
    tone: event === 'refused' ? 'refused' : 'plain',
  }),
  platform: ({ at, zone = 'outside', fields: { event, eventId: _, ...rest } }) => ({
    at,
    zone,
    who: 'AWS',
    tone: 'error' in rest ? 'refused' : 'plain',
    what: [text(event), ...listOf(rest)].join(', '),
  }),
};

function describeCall({ at, fields }: TrailLine, names: Names): LineView {
  const { principal, resource, vpce, error, service, operation } = fields;
  const { action = `${text(service)}:${text(operation)}` } = fields;
  const who = text(principal).split('/').at(-1) ?? '';
  const target = text(resource);
  const caller = names.functionOf(who);
  const way = vpce === undefined ? "AWS's public endpoint" : 'its endpoint';
  // The tail of an ARN is what tells resources apart.
  const tail = target.replace(/^arn:(?:[^:]*:){4}\d*:?/, '');
  const what = `${text(action)} ${tail} through ${way}`;
  return {
    at,
    zone: caller?.zone ?? 'outside',
    who,
    what: error === undefined ? what : `${what}: ${text(error)}`,
    tone: error === undefined ? 'plain' : 'refused',
    from: caller?.element,
    to: names.elementOf(target),
  };
}

/** A line that a function wrote, in words; undefined for metrics. Without `names` it has no place on the map. */
export function describeLog(line: TrailLine, names?: Names): LineView | undefined {
  const { at, zone = 'outside', function: who = '', fields } = line;
  if ('_aws' in fields) return undefined;
  const { message, code, kind, kinds, target, reason, kid, client, step, status } = fields;
  const { level, errorType, errorMessage, cause, field } = fields;
  // The runtime reports what a handler throws by type and message, and the message of what that comes of.
  const failed = errorType !== undefined;
  const why = cause === undefined ? '' : `: ${text(cause)}`;
  const subject = failed ? `${text(errorType)}: ${text(errorMessage)}${why}` : text(code ?? message);
  const key = typeof kid === 'string' ? kid.slice(0, 8) : undefined;
  const facts = { kind: kind ?? kinds, target, reason, field, client, step, status, key };
  return {
    at,
    zone,
    who,
    from: names?.functionOf(who)?.element,
    what: [subject, ...listOf(facts)].join(', '),
    tone: failed ? 'refused' : toneOf(subject, text(level)),
  };
}

/** An audit line has one level whatever it tells, so its code decides. */
function toneOf(subject: string, level: string): LineView['tone'] {
  if (subject === 'signed') return 'done';
  const bad =
    level === 'WARN' || level === 'ERROR' || /(?:^|[._])(?:refused|failed|unchecked)$/i.test(subject);
  return bad ? 'refused' : 'plain';
}

function describeEntry({ at, zone = 'outside', fields }: TrailLine, names: Names): LineView {
  const [method, route] = [text(fields['method']), text(fields['route'])];
  const { status, refused } = fields;
  const why = refused === undefined ? '' : ` ${text(refused)}`;
  return {
    at,
    zone,
    who: 'API Gateway',
    what: `${method} ${route}: ${text(status)}${why}`,
    tone: typeof status === 'number' && status >= 400 ? 'refused' : 'done',
    from: names.routeOf(method, route),
  };
}

/** What is known of some facts, each with its name. */
function listOf(facts: Readonly<Record<string, unknown>>): string[] {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined);
  return known.map(([name, value]) => `${name} ${text(value)}`);
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.map(text).join(' and ') : (JSON.stringify(value) ?? '');
}

/** Who is who on the trail, and what the map calls it. */
export type Names = ReturnType<typeof createNames>;

/** Names for a map. `clientOf` says whose key an ARN is: the map has one key a client, the running system may have several. */
export function createNames(map: ZoneMap, clientOf: (keyArn: string) => string | undefined) {
  const nodes = new Map(map.nodes.map((node) => [node.id, node]));
  const functions = new Map(
    map.nodes
      .filter(({ kind }) => kind === 'function' || kind === 'signer')
      .map((node) => [node.id.split(':').at(-1), { zone: node.zone, element: elementId(node) }]),
  );
  return {
    zones: map.zones.map(({ name }) => name),
    /** Zone and element of a function, by its name on AWS. */
    functionOf: (name: string) => functions.get(name),
    /** The map's element for an ARN; undefined where the map has none. */
    elementOf(arn: string): string | undefined {
      const client = arn.includes(':key/') ? clientOf(arn) : undefined;
      const note = `of client ${client}`;
      const key = map.nodes.find(({ kind, notes }) => kind === 'key' && notes[0] === note);
      return nameOf(client === undefined ? nodes.get(arn) : key);
    },
    /** The map's element for a route. */
    routeOf(method: string, route: string): string | undefined {
      const name = routeLabel(method, route);
      const isIt = ({ kind, label }: MapNode) => kind === 'route' && label.split(', ').includes(name);
      return nameOf(map.nodes.find(isIt));
    },
  };
}

function nameOf(node: MapNode | undefined): string | undefined {
  return node && elementId(node);
}
