import { authorizerConfig, loginConfig } from '@helseid-zones/protocol/config';
import { assumptionsOf } from '../declaration/assumptions.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { SIGNING } from '../proof/assembly/network.ts';
import { readAnsweredNames } from '../proof/network/reach.ts';
import { networkFacts } from '../proof/policy/endpoint.ts';
import { covers, globOf } from '../proof/policy/pattern.ts';
import { widens } from '../proof/policy/solve.ts';
import { matrixOf } from '../proof/prove.ts';
import { readEntries } from '../proof/report/map/entries.ts';
import { nameIds } from '../proof/report/names-in-words.ts';
import { readSignable, signableInWords } from '../proof/report/signable.ts';
import { ask } from '../proof/rules/ask.ts';
import type { CapabilityRow } from '../proof/rules/capability.ts';
import { signersHaveOneCaller } from '../proof/rules/lambda/signer-policies.ts';
import type { ProofInput } from '../proof/rules/rule.ts';
import { escapeStrings } from '../terminal.ts';

/** Something that is possible in one assembly and was not, or not so freely, in another. */
export interface Change {
  kind: 'may' | 'signs' | 'reaches' | 'is entered by' | 'adds' | 'excepts' | 'assumes' | 'now';
  /** A role, a signer, a function, a zone or a stack, by name; a resource by its path; the proof. */
  who: string;
  /** What it may now, in words. */
  what: string;
}

/**
 * What is possible `after` that was not possible `before`: of policies by logic over every request, of all else line by line, where a
 * line with a `*` covers others. The other way round it is what a change narrows. Ids are made up from construct paths, so what a
 * renamed construct holds counts as new.
 */
export function widenings(before: ProofInput, after: ProofInput): Change[] {
  const known = linesOf(before);
  const lines = linesOf(after).filter(
    ({ kind, who, what }) =>
      !known.some((old) => old.kind === kind && old.who === who && covers(globOf(old.what), globOf(what))),
  );
  const rows = matrixOf({ input: after }).filter(({ asked, verdict }) => asked && verdict !== 'never');
  const names = nameIds(after);
  const wider = rows
    .filter((row) => isWider(row, before, after))
    .map(({ principal, action, resource, verdict, when }) =>
      say('may', principal, names(`${action} on ${resource}${verdict === 'always' ? '' : ` when ${when}`}`)),
    );
  return [...wider, ...lines];
}

/** Whether some request of a line is allowed now that was denied before, or whose role was not there. */
function isWider({ principal, action, asked }: CapabilityRow, before: ProofInput, after: ProofInput) {
  const [old, now] = [before, after].map(({ actors }) => actors.find(({ name }) => name === principal));
  if (asked === undefined || now === undefined) return false;
  if (old === undefined) return true;
  const { resource, except } = asked;
  const [was, is] = [old, now].map((actor) => ask(actor, action, resource, { except }).condition);
  if (was === undefined || is === undefined) return false;
  return widens(was, is, networkFacts(now.view, action, undefined));
}

const say = (kind: Change['kind'], who: string, what: string): Change => ({ kind, who, what });

function linesOf(input: ProofInput): Change[] {
  const { assembly, comparison, declaration } = input;
  const zoneOf = (stack: string) => assembly.stacks.find(({ name }) => name === stack)?.zone ?? stack;
  return [
    ...readSignable(input).flatMap((of) =>
      signableInWords(of).flatMap(([kind, texts]) =>
        texts.map((text) => say('signs', of.signer, `${kind} ${text}`)),
      ),
    ),
    ...reachOf(input),
    ...readEntries(assembly).map(({ stack, label, notes, functions }) => {
      const names = functions.map((arn) => arn.split(':').at(-1));
      return say('is entered by', zoneOf(stack), [label, ...notes, 'to', ...names].join(' '));
    }),
    ...(comparison?.additions ?? []).map(({ stack, resource, type, statements }) =>
      say('adds', zoneOf(stack), statements ? `statements to ${resource}` : `${type} ${resource}`),
    ),
    ...(declaration.audit ? [say('reaches', 'every line of the signers', declaration.audit.export)] : []),
    ...(declaration.exceptions ?? []).flatMap(({ rule, resource, about }) =>
      about.map((one) => say('excepts', resource, `${rule} of ${one}`)),
    ),
    ...declaredOf(declaration),
    ...signersHaveOneCaller
      .rows(input)
      .filter(({ verdict }) => verdict !== 'never')
      .map(({ principal, action, resource }) => say('may', principal, `${action} on ${resource}`)),
  ];
}

/** What no policy and no network says: what is taken for granted, who deploys, what is asked of those who enter, and what tokens are asked for. */
function declaredOf(declaration: SystemDeclaration): Change[] {
  const { signing, apis, zones } = declaration;
  return [
    ...assumptionsOf(declaration).map(({ kind, name, assumes }) =>
      say('assumes', 'the proof', `of ${kind} ${name}: ${assumes}`),
    ),
    ...signing.deployers.map((role) => say('may', role, 'change the code and settings of signers')),
    ...Object.entries(apis).flatMap(([name, { scopes }]) =>
      scopes.map((scope) => say('may', `what calls ${name}`, `ask for tokens of ${scope}`)),
    ),
    ...Object.entries(zones).flatMap(([zone, { gateway }]) =>
      [['login', LOGIN] as const, ['authorizer', AUTHORIZER] as const].flatMap(([of, fields]) => {
        const settings = Object.entries(gateway?.[of] ?? {});
        return (settings.length === 0 ? [] : fields).map((field) => {
          const [, value = 'none'] = settings.find(([name]) => name === field) ?? [];
          return say('is entered by', zone, `${of} with ${field} ${JSON.stringify(value)}`);
        });
      }),
    ),
  ];
}

// One that is left out may demand less, so each is said. Routes and what signers ask for have lines of their own.
const LOGIN = Object.keys(loginConfig.entries).filter((name) => name !== 'forward' && name !== 'scopes');
const AUTHORIZER = Object.keys(authorizerConfig.entries);

/** Every name and endpoint that a function can open connections to, one by one. */
function reachOf({ assembly, network, reach }: ProofInput): Change[] {
  return reach.flatMap(({ resource, internet, endpoints, elsewhere }) => {
    const vpc = network.vpcs.find(({ stack }) => stack === resource.stack);
    const names = vpc === undefined ? 'every name' : readAnsweredNames(assembly, vpc.physicalId);
    const hosts = internet === 'none' ? [] : Array.isArray(names) ? names : ['*'];
    const ports = internet === 'https' ? 'TCP 443' : '*';
    const zone = resource.zone === SIGNING ? 'the signing zone' : resource.zone;
    return [
      ...hosts.map((host) => `${host} on ${ports}`),
      ...endpoints.map(({ service }) => `${service} through an endpoint of ${zone}`),
      ...elsewhere.map(({ destination, through, ports }) => `${destination} on ${ports} through ${through}`),
    ].map((what) => say('reaches', resource.physicalId, what));
  });
}

/** What changes come to. */
export interface Changes {
  /** `explained`: the declarations alone, as this version's constructs read them, differ in it too. */
  widened: readonly (Change & { explained: boolean })[];
  narrowed: readonly Change[];
}

/** How many are not explained. */
export const unexplained = ({ widened }: Changes): number =>
  widened.filter(({ explained }) => !explained).length;

/** The changes for people: how many first, then what the declaration does not explain, and the rest. */
export function reportChanges(changes: Changes): string {
  const { widened, narrowed } = escapeStrings(changes);
  const open = unexplained(changes);
  const parts: [title: string, sign: string, list: readonly Change[]][] = [
    ['Widened, and not by the declaration', '!', widened.filter(({ explained }) => !explained)],
    ['Widened, as declared', '+', widened.filter(({ explained }) => explained)],
    ['Narrowed', '-', narrowed],
  ];
  return [
    `${widened.length} widened (${open} not by the declaration), ${narrowed.length} narrowed.`,
    ...parts.flatMap(([title, sign, list]) =>
      list.length === 0
        ? []
        : [`\n${title.toUpperCase()}`, ...gather(list).map((line) => `  ${sign} ${line}`)],
    ),
  ].join('\n');
}

/** Those that differ in the action alone as one, and then those that differ in who. */
function gather(list: readonly Change[]): string[] {
  const byAction = Map.groupBy(list, ({ kind, who, what }) =>
    [who, kind, what.replace(/^\S+ on /, 'on ')].join('\n'),
  );
  const lines = [...byAction.values()].flatMap((of) => {
    const [first] = of;
    const actions = of.map(({ what }) => what.replace(/ on .*$/s, '')).join(', ');
    return first === undefined
      ? []
      : [of.length === 1 ? first : { ...first, what: first.what.replace(/^\S+/, () => actions) }];
  });
  const byWhat = Map.groupBy(lines, ({ kind, what }) => `${kind} ${what}`);
  return [...byWhat].map(([what, of]) => `${[...new Set(of.map(({ who }) => who))].join(', ')} ${what}`);
}
