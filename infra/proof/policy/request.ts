import type { Facts } from './condition.ts';
import { type Principal, principalArn } from './principal.ts';
import { type Resource, targetOf, type World } from './world/world.ts';

/** The kinds of policies that have a say, in the order in which a refusal names them. */
export type Layer = 'endpoint policy' | 'resource policy' | 'identity policy' | 'permissions boundary';

/** Who asks for what. */
export interface AccessQuestion {
  principal: Principal;
  /** e.g. `kms:Sign`. */
  action: string;
  /** An ARN, or `*` for an action without one. In a question, a pattern of ARNs too. */
  resource: string;
}

/** The account that owns what a request is about; the caller's where nothing says. */
export function ownerAccount({ principal, resource }: AccessQuestion, target: Resource | undefined): string {
  const inArn = resource.split(':')[4] ?? '';
  return target?.account ?? (inArn || ('account' in principal ? principal.account : ''));
}

/** Values of context keys, any case; several values for keys that have several; null for a key that the request surely lacks. */
export type Context = Readonly<Record<string, string | readonly string[] | null>>;

/** One request. */
export interface Request extends AccessQuestion {
  /** Context keys of the request. What follows from caller and resource (`aws:PrincipalArn`, …) is filled in; everything else that is missing is absent. */
  context: Context;
}

/** The part of an action before its colon, in lower case. */
export function serviceOf(action: string): string {
  return action.slice(0, action.indexOf(':')).toLowerCase();
}

const NONE: readonly string[] = [];

/** The facts of one request: what the context lacks, and the caller and the resource do not imply, is absent. */
export function closedFacts(asked: AccessQuestion, context: Context, world: World): Facts {
  const open = openFacts(asked, context, world);
  return { ...open, values: (key) => open.values(key) ?? tagValues(key, asked, world) ?? NONE };
}

/** The facts that hold for every request of a kind: what the context gives and the caller implies; the rest is open. */
export function openFacts(asked: AccessQuestion, context: Context, world: World): Facts {
  const valuesOf = (value: Context[string]) => (value === null ? NONE : [value].flat());
  const given = new Map(Object.entries(context).map(([key, value]) => [key.toLowerCase(), valuesOf(value)]));
  return { values: (key) => given.get(key) ?? impliedValues(key, asked, world), resource: asked.resource };
}

/** Keys that AWS fills in from who calls and whose resource it is. */
const IMPLIED: Readonly<Record<string, (asked: AccessQuestion, world: World) => string | undefined>> = {
  'aws:principalarn': ({ principal }) => {
    if (principal.kind === 'root') return principalArn(principal);
    return 'arn' in principal ? principal.arn : undefined;
  },
  'aws:principalaccount': ({ principal }) => {
    if (principal.kind === 'anonymous') return 'anonymous';
    return 'account' in principal ? principal.account : undefined;
  },
  'aws:principalisawsservice': ({ principal: { kind } }) =>
    kind === 'anonymous' ? undefined : String(kind === 'service'),
  'aws:principalservicename': ({ principal }) =>
    principal.kind === 'service' ? principal.service : undefined,
  'kms:calleraccount': ({ principal, action }) =>
    serviceOf(action) === 'kms' && 'account' in principal ? principal.account : undefined,
  'aws:resourceaccount': (asked, world) => ownerAccount(asked, targetOf(asked, world)) || undefined,
};

function impliedValues(key: string, asked: AccessQuestion, world: World): readonly string[] | undefined {
  const implied = IMPLIED[key];
  if (implied === undefined) return undefined;
  const value = implied(asked, world);
  return value === undefined ? NONE : [value];
}

/** Tags that role and resource have in the template. A session or a later call may add others, so they decide nothing in the proof. */
function tagValues(key: string, asked: AccessQuestion, world: World): readonly string[] | undefined {
  const [prefix, tag = ''] = key.split(/\/(.*)/s);
  const tags =
    prefix === 'aws:principaltag'
      ? asked.principal.kind === 'role' && world.roles.get(asked.principal.arn)?.tags
      : prefix === 'aws:resourcetag' && targetOf(asked, world)?.tags;
  const value = tags ? tags.get(tag) : undefined;
  return value === undefined ? undefined : [value];
}
