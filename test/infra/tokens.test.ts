import { describe, expect, it } from 'vitest';
import { defineSystem } from '../../infra/declaration/define.ts';
import { deriveZoneConfig } from '../../infra/declaration/derive.ts';
import { askingFunctions } from '../../infra/declaration/names.ts';
import { resolveAssembly } from '../../infra/proof/assembly/resolve.ts';
import { deriveAssembly } from '../../infra/proof/derived/derive.ts';
import { rolePrincipal } from '../../infra/proof/policy/principal.ts';
import { prove } from '../../infra/proof/prove.ts';
import { readInput } from '../../infra/proof/read-input.ts';
import { reportSignable } from '../../infra/proof/report/signable.ts';
import { decideRequest } from '../../local/aws/decide-request.ts';
import system from '../one-client.zones.ts';
import {
  arn,
  type Change,
  type Changeable,
  dropStatement,
  find,
  findingsOf,
  gives,
  idOf,
  role,
  STACKS,
  setsVariables,
  signer,
  statementOf,
  type Template,
  withTemplate,
} from './proof/mutate.ts';
import { synthesize } from './proof/one-client.ts';

const { public: entered, internal } = system.zones;
const CALLER = 'arn:aws:iam::000000000000:role/clinic';

/** A tokens function in a zone with login, and in one without. */
const declared = defineSystem({
  ...system,
  zones: {
    ...system.zones,
    public: { ...entered, tokens: 'function' },
    internal: { ...internal, tokens: 'function', callers: [{ role: CALLER, calls: 'tokens' }] },
  },
});
const assembly = synthesize(declared);
const input = readInput(resolveAssembly(assembly), declared);
const tokens = (zone: string) => arn('lambda', `function:journal-${zone}-tokens`);
const table = (zone: string) => arn('dynamodb', `table/journal-${zone}-tokens`);

/** What the engine decides for a role of a function, through an endpoint of a zone. */
function ask(name: string, action: string, resource: string, through = name.split('-')[1]) {
  const { world, network } = input;
  const service = action.split(':')[0];
  const endpoint = [...world.endpoints.values()].find(
    (one) => one.service === service && network.zones.get(one.vpc) === through,
  );
  const context: Record<string, string> = endpoint ? { 'aws:SourceVpce': endpoint.id } : {};
  return decideRequest({ principal: rolePrincipal(role(name)), action, resource, context }, world).allowed;
}

describe('in a zone with a tokens function', () => {
  it('that one and the functions of login ask signers, the others ask that one', () => {
    const { public: withLogin, internal: without } = declared.zones;
    expect(askingFunctions(withLogin)).toEqual(['api', 'callback', 'login', 'logout', 'session', 'tokens']);
    expect(askingFunctions(withLogin, 'tokens')).toEqual(['summary']);
    expect([askingFunctions(without), askingFunctions(without, 'tokens')]).toEqual([['tokens'], ['worker']]);
    const told = (zone: string, name: string) => deriveZoneConfig(declared, zone, name).tokens;
    expect([told('internal', 'worker'), told('internal', 'tokens'), told('public', 'login')]).toEqual([
      'function',
      undefined,
      undefined,
    ]);
  });

  it('the boundary of those that ask lets them use the zone’s key by the services that they use, and by no other', () => {
    const { template } = assembly.stacks.find(({ name }) => name === STACKS.internal) ?? {};
    const through = (id: string) => {
      const boundary = find(template?.Resources as unknown as Template, id, 'ManagedPolicy');
      const { Condition } = statementOf(boundary, 'OwnDataKey') as {
        Condition: { StringEquals: Changeable };
      };
      return JSON.stringify(Condition.StringEquals['kms:ViaService']).match(/dynamodb|sqs|secretsmanager/g);
    };
    expect(through('Boundarytokens')).toEqual(['dynamodb']);
    expect(through('BoundaryEA298153')).toEqual(['dynamodb', 'sqs']);
  });

  it.each<[boolean, string, string, string, string?]>([
    [true, 'journal-internal-tokens', 'lambda:InvokeFunction', signer('internal')],
    [true, 'journal-public-login', 'lambda:InvokeFunction', signer('public')],
    [true, 'journal-internal-worker', 'lambda:InvokeFunction', tokens('internal')],
    [true, 'journal-public-summary', 'lambda:InvokeFunction', tokens('public')],
    [true, 'journal-internal-tokens', 'dynamodb:UpdateItem', table('internal')],
    [false, 'journal-internal-worker', 'lambda:InvokeFunction', signer('internal')],
    [false, 'journal-public-summary', 'lambda:InvokeFunction', signer('public')],
    [false, 'journal-public-login', 'lambda:InvokeFunction', tokens('public')],
    [false, 'journal-internal-tokens', 'lambda:InvokeFunction', tokens('internal')],
    [false, 'journal-public-summary', 'lambda:InvokeFunction', tokens('internal')],
    [false, 'journal-internal-worker', 'lambda:InvokeFunction', tokens('internal'), 'public'],
    [false, 'journal-internal-worker', 'lambda:InvokeFunction', tokens('internal'), 'nowhere'],
    [false, 'journal-internal-worker', 'lambda:InvokeFunction', `${tokens('internal')}:1`],
    [false, 'journal-internal-worker', 'dynamodb:GetItem', table('internal')],
    [false, 'journal-internal-tokens', 'dynamodb:DeleteItem', table('internal')],
    [false, 'journal-internal-tokens', 'dynamodb:GetItem', table('public')],
    [true, 'journal-internal-worker', 'sqs:ReceiveMessage', arn('sqs', 'journal-internal-events')],
    [false, 'journal-internal-tokens', 'sqs:ReceiveMessage', arn('sqs', 'journal-internal-events')],
  ])('%s: %s may %s on %s', (allowed, ...asked) => {
    expect(ask(...asked)).toBe(allowed);
  });

  it('the report says who may ask it, and for tokens of which scopes', () => {
    const said = reportSignable(input, 200, { zone: 'internal' });
    expect(said).toMatch(/journal-signer-journal-internal\s+for\s+journal-internal-tokens\s/);
    expect(said).toMatch(
      /journal-internal-tokens\s+for\s+journal-internal-worker\s+tokens\s+for documents of client journal: example:documents\/write$/,
    );
    expect(reportSignable(input, 200, { role: 'journal-public-summary' })).toMatch(
      /journal-public-tokens\s+for\s+journal-public-summary\s+tokens/,
    );
    expect(reportSignable(input, 200, { role: 'journal-public-summary' })).not.toContain('signer');
  });

  it('the boundaries hold, assuming the caller', () => {
    const proof = prove(assembly, declared, { derived: deriveAssembly(declared, assembly) });
    expect(proof.violations).toEqual([]);
    expect(proof.assumptions).toMatchObject([{ kind: 'caller', name: CALLER }]);
  });
});

/** A change of the internal zone, and the rule that finds it. */
const [OWN, CALLER_OF] = ['own-signers-only', 'signers-have-one-caller'];
const INVOKE = 'lambda:InvokeFunction';
const QUEUE = arn('sqs', 'journal-internal-events');
const OTHER = { TOKENS_FUNCTION: tokens('public') };
const bounds: Change = (r) => {
  const boundary = { Ref: idOf(r, 'Boundarytokens') };
  find(r, 'workerRole', 'IAM::Role').Properties['PermissionsBoundary'] = boundary;
};
const drops =
  (sid: string): Change =>
  (r) =>
    dropStatement(find(r, 'TokensPolicy'), sid);
const FOUND: readonly [rule: string, what: string, change: Change][] = [
  [OWN, 'a function may ask the signer as well', gives('workerRole', INVOKE, signer('internal'))],
  [OWN, 'the tokens function may ask another zone’s signer', gives('tokensRole', INVOKE, signer('public'))],
  [OWN, 'a function may ask an old version of it', gives('workerRole', INVOKE, `${tokens('internal')}:*`)],
  [
    'own-data-only',
    'a function reads the tokens',
    gives('workerRole', 'dynamodb:GetItem', table('internal')),
  ],
  ['queues-are-read-by-own', 'it may take events', gives('tokensRole', 'sqs:ReceiveMessage', QUEUE)],
  ['roles-are-bounded', 'a function has the boundary of those that ask signers', bounds],
  [CALLER_OF, 'its policy lets everybody of the account by', drops('OnlyItsZone')],
  [CALLER_OF, 'its policy lets by from elsewhere', drops('OnlyFromItsZone')],
  [CALLER_OF, 'its policy lets its code be changed', drops('OnlyDeploysChangeIt')],
  [CALLER_OF, 'it has no policy', (r) => void delete r[idOf(r, 'TokensPolicy')]],
  ['zone-functions-are-declared', 'a function asks another one for tokens', setsVariables('worker', OTHER)],
];

describe('the proof finds that', () => {
  it.each(FOUND)('%s: %s', (rule, _what, change) => {
    expect(findingsOf(rule, withTemplate(assembly, STACKS.internal, change), declared)).not.toEqual([]);
  });

  it('nothing is wrong as long as nobody changes it', () => {
    const rules = new Set(FOUND.map(([rule]) => rule));
    expect(findingsOf([...rules], assembly, declared)).toEqual([]);
  });

  it('zones of one client may need different scopes where no function but a tokens function has assertions', () => {
    const rule = 'zones-of-a-client-need-the-same-scopes';
    const messages = (tokens: 'own' | 'function', login: boolean) => {
      const { login: _, ...routes } = entered.gateway;
      const zones = {
        ...system.zones,
        public: { ...entered, tokens, gateway: login ? entered.gateway : routes },
        internal: { ...internal, tokens },
      };
      return findingsOf(rule, assembly, defineSystem({ ...system, zones }))
        .map(({ message }) => message)
        .join();
    };
    expect(messages('own', true)).toMatch(/public could get.*internal could get/);
    expect(messages('function', true)).toMatch(/public could get/);
    expect(messages('function', true)).not.toMatch(/internal could get/);
    expect(messages('function', false)).toBe('');
    expect(messages('own', false)).not.toBe('');
  });
});

describe('a declaration is refused', () => {
  const tokens = 'function';
  const callers = (calls: string) => [{ role: CALLER, calls }];
  it.each<[string, string, object, RegExp]>([
    ['with one in the admin zone', 'admin', { tokens }, /zones\.admin\.tokens/],
    ['with one that has no grant', 'internal', { tokens, grants: [] }, /zones\.internal\.tokens/],
    [
      'with a caller of signers beside it',
      ...(['internal', { tokens, callers: callers('signers') }, /calls are signers.*write tokens/] as const),
    ],
    [
      'with a caller of one that is not there',
      ...(['internal', { callers: callers('tokens') }, /calls are tokens.*write signers/] as const),
    ],
    [
      'with a function of one’s own of that name',
      ...(['internal', { events: { ...internal.events, function: 'tokens' } }, /can't be tokens/] as const),
    ],
  ])('%s', (_what, name, change, message) => {
    const zones = { ...system.zones, [name]: { ...system.zones[name as 'internal'], ...change } };
    expect(() => defineSystem({ ...system, zones } as never)).toThrow(message);
  });
});
