import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { expect, test } from 'vitest';
import { defineSystem } from '../../../infra/declaration/define.ts';
import { loadSystem } from '../../../infra/declaration/load.ts';
import { newFolder } from '../../temporary.ts';

const clients = {
  journal: {
    clientId: '8a2d4c5e-6a0b-4c53-9f0e-1f1f6f0c2b11',
    issuer: 'https://helseid-sts.test.nhn.no',
    algorithm: 'ES256',
    tenancy: 'single-tenant',
    profile: helseIdProfile,
  },
} as const;
const { journal } = clients;
const apis = {
  documents: { baseUrl: 'https://documents.example.no', audience: 'documents', scopes: ['documents/write'] },
} as const;
const { documents } = apis;
const call = { api: 'documents', methods: ['POST'], paths: ['/v1/*'] } as const;
const grant = { client: 'journal', apis: [call] } as const;
const internal = { cidr: '10.1.0.0/20', grants: [grant] } as const;
const admin = { cidr: '10.2.0.0/20', admin: true, grants: [] } as const;
const route = { method: 'GET', path: '/x', function: 'x', authorize: 'iam' } as const;
const login = { client: 'journal', scopes: ['openid'], forward: [] } as const;
const rest = { name: 'journal', signing: { cidr: '10.3.0.0/20' } } as const;
const base = { ...rest, apis, clients } as const;

test('what the mistakes are made in is right', () => {
  expect(defineSystem({ ...base, zones: { internal, admin } }).name).toBe('journal');
});

const zones = { internal, admin } as const;
const AUDIT = 'arn:aws:logs:eu-north-1:111122223333:destination:audit';
const { issuer, algorithm, tenancy, profile } = journal;

/** Declarations whose mistake is in a value that the editor takes. */
const having = (more: object) => () => defineSystem({ ...base, zones, ...more });
const withInternal = (more: object) => having({ zones: { admin, internal: { ...internal, ...more } } });
const withPath = (path: string) =>
  withInternal({ grants: [{ ...grant, apis: [{ ...call, paths: [path] }] }] });
const withIssuer = (issuer: string) => having({ clients: { journal: { ...journal, issuer } } });
const FOREIGN = 'arn:aws:logs:eu-north-1:444455556666';

/** Typical mistakes: what is written, the field that the message names, and what it says. A red one is an error in the editor. */
const MISTAKES: Readonly<Record<string, [write: () => unknown, field: string, right: RegExp]>> = {
  'a misspelt field of the system': [
    // @ts-expect-error
    () => defineSystem({ ...base, zones, regoin: 'eu-north-1' }),
    'regoin',
    /not a field.*fields here are .*\bregion\b/,
  ],
  'a misspelt field of a client': [
    // @ts-expect-error
    () => defineSystem({ ...base, zones, clients: { journal: { ...journal, alg: 'ES256' } } }),
    'clients.journal.alg',
    /not a field.*fields here are .*\balgorithm\b/,
  ],
  'an audit that is sent to a log group': [
    having({ audit: { export: `${FOREIGN}:log-group:a` } }),
    'audit.export',
    /ARN of a CloudWatch Logs destination/,
  ],
  'an audit that is sent to whatever is called so': [
    having({ audit: { export: `${FOREIGN}:destination:*` } }),
    'audit.export',
    /without wildcards/,
  ],
  'an audit that stays in the account': [
    having({ account: '111122223333', audit: { export: AUDIT } }),
    'audit.export',
    /an account of the system's own/,
  ],
  "an audit that stays in a zone's account": [
    having({
      zones: { internal: { ...internal, account: '111122223333' }, admin },
      audit: { export: AUDIT },
    }),
    'audit.export',
    /an account of the system's own/,
  ],
  'an audit that is sent to another region': [
    having({ region: 'eu-west-1', audit: { export: AUDIT } }),
    'audit.export',
    /lies in eu-north-1/,
  ],
  'an algorithm that HelseID does not allow': [
    // @ts-expect-error
    () => defineSystem({ ...base, zones, clients: { journal: { ...journal, algorithm: 'RS256' } } }),
    'clients.journal.algorithm',
    /choose one of ES256/,
  ],
  'a tenancy in other words': [
    // @ts-expect-error
    () => defineSystem({ ...base, zones, clients: { journal: { ...journal, tenancy: 'multitenant' } } }),
    'clients.journal.tenancy',
    /expected.*multi-tenant/,
  ],
  'a runtime in other words': [
    () => {
      const functions = { x: { runtime: 'python', schedules: { daily: 'rate(1 day)' } } } as const;
      // @ts-expect-error
      return defineSystem({ ...base, zones: { internal: { ...internal, functions }, admin } });
    },
    'zones.internal.functions.x.runtime',
    /expected.*python3\.14/,
  ],
  'a detail by an operator': [
    () => {
      const detail = { status: [{ prefix: 's' }] } as const;
      const events = { function: 'x', sources: ['a'], detailTypes: ['b'], detail } as const;
      // @ts-expect-error
      return defineSystem({ ...base, zones: { internal: { ...internal, events }, admin } });
    },
    'zones.internal.events.detail.status[0]',
    /matchers such as prefix are not known/,
  ],
  'custody in other words': [
    // @ts-expect-error
    () => defineSystem({ ...base, zones, clients: { journal: { ...journal, custody: 'hsm' } } }),
    'clients.journal.custody',
    /must be awskms:/,
  ],
  'days as text': [
    () =>
      // @ts-expect-error
      defineSystem({ ...base, zones, clients: { journal: { ...journal, rotation: { everyDays: '60' } } } }),
    'clients.journal.rotation.everyDays',
    /expected number/,
  ],
  'a misspelt field of rotation': [
    // @ts-expect-error
    () => defineSystem({ ...base, zones, clients: { journal: { ...journal, rotation: { everyDay: 60 } } } }),
    'clients.journal.rotation.everyDay',
    /not a field.*fields here are .*\beveryDays\b/,
  ],
  'a self-service API without its body': [
    () =>
      defineSystem({
        ...base,
        zones,
        clients: {
          // @ts-expect-error
          journal: { ...journal, selfService: { baseUrl: 'https://x.nhn.no', audience: 'a', scope: 's' } },
        },
      }),
    'clients.journal.selfService.body',
    /is missing/,
  ],
  'an issuer without TLS': [
    withIssuer('http://helseid-sts.test.nhn.no'),
    'clients.journal.issuer',
    /write https/,
  ],
  "an issuer with a slash that HelseID's has not": [
    withIssuer('https://helseid-sts.test.nhn.no/'),
    'clients.journal.issuer',
    /write https:\/\/helseid-sts\.test\.nhn\.no/,
  ],
  'no declaration at all': [() => defineSystem(5 as never), 'the whole', /expected Object/],
  'a profile by name': [
    // @ts-expect-error
    () => defineSystem({ ...base, zones, clients: { journal: { ...journal, profile: 'helseid' } } }),
    'clients.journal.profile',
    /expected Object/,
  ],
  'a client without an id': [
    // @ts-expect-error
    () => defineSystem({ ...base, zones, clients: { journal: { issuer, algorithm, tenancy, profile } } }),
    'clients.journal.clientId',
    /is missing/,
  ],
  'scope for scopes': [
    // @ts-expect-error
    () => defineSystem({ ...base, zones, apis: { documents: { ...documents, scope: 'documents/write' } } }),
    'apis.documents.scope',
    /not a field.*fields here are .*\bscopes\b/,
  ],
  'scopes as text': [
    // @ts-expect-error
    () => defineSystem({ ...base, zones, apis: { documents: { ...documents, scopes: 'documents/write' } } }),
    'apis.documents.scopes',
    /expected Array/,
  ],
  'a base URL with a slash at its end': [
    having({ apis: { documents: { ...documents, baseUrl: 'https://documents.example.no/' } } }),
    'apis.documents.baseUrl',
    /leave it out/,
  ],
  'a misspelt field of a zone': [
    // @ts-expect-error
    () => defineSystem({ ...base, zones: { admin, internal: { ...internal, cider: '10.1.0.0/20' } } }),
    'zones.internal.cider',
    /not a field.*fields here are .*\bcidr\b/,
  ],
  'a zone without a network': [
    // @ts-expect-error
    () => defineSystem({ ...base, zones: { admin, internal: { grants: [grant] } } }),
    'zones.internal.cidr',
    /is missing/,
  ],
  'a misspelt field of events': [
    () =>
      defineSystem({
        ...base,
        zones: {
          admin,
          internal: {
            ...internal,
            // @ts-expect-error
            events: { function: 'x', sources: ['a'], detailTypes: ['B'], detailtype: 'B' },
          },
        },
      }),
    'zones.internal.events.detailtype',
    /not a field.*fields here are .*\bdetailTypes\b/,
  ],
  'a client that is not declared': [
    () =>
      defineSystem({
        ...base,
        // @ts-expect-error
        zones: { admin, internal: { ...internal, grants: [{ ...grant, client: 'jurnal' }] } },
      }),
    'zones.internal.grants[0].client',
    /jurnal, which is not declared; declared are: journal/,
  ],
  'a client that is not declared, in a zone with a way out': [
    withInternal({
      exits: { net: { hosts: ['x.example.no'], cidrs: ['91.186.92.124/32'], through: 'tgw-0a1b2c3d' } },
      grants: [{ ...grant, client: 'jurnal' }],
    }),
    'zones.internal.grants[0].client',
    /jurnal, which is not declared; declared are: journal/,
  ],
  'an API that is not declared': [
    () => {
      const grants = [{ ...grant, apis: [{ ...call, api: 'document' }] }] as const;
      // @ts-expect-error
      return defineSystem({ ...base, zones: { admin, internal: { ...internal, grants } } });
    },
    'zones.internal.grants[0].apis[0].api',
    /document, which is not declared; declared are: documents/,
  ],
  'a method in small letters': [
    () => {
      const grants = [{ ...grant, apis: [{ ...call, methods: ['post'] }] }] as const;
      // @ts-expect-error
      return defineSystem({ ...base, zones: { admin, internal: { ...internal, grants } } });
    },
    'zones.internal.grants[0].apis[0].methods[0]',
    /expected.*POST/,
  ],
  'one method and no list': [
    () => {
      const grants = [{ ...grant, apis: [{ ...call, methods: 'POST' }] }] as const;
      // @ts-expect-error
      return defineSystem({ ...base, zones: { admin, internal: { ...internal, grants } } });
    },
    'zones.internal.grants[0].apis[0].methods',
    /expected Array/,
  ],
  'a path without a slash': [withPath('v1/*'), 'zones.internal.grants[0].apis[0].paths[0]', /one slash/],
  'a parameter': [withPath('/v1/{id}'), 'zones.internal.grants[0].apis[0].paths[0]', /write \/v1\/\*/],
  'a detail of a type that is none': [
    () => {
      const grants = [{ ...grant, details: [{ type: 'helseid-authorization', child: '*' }] }] as const;
      // @ts-expect-error
      return defineSystem({ ...base, zones: { admin, internal: { ...internal, grants } } });
    },
    'zones.internal.grants[0].details[0].type',
    /expected.*helseid_authorization/,
  ],
  'a route that anybody may call': [
    () => {
      const gateway = { routes: [{ ...route, authorize: 'none' }] } as const;
      // @ts-expect-error
      return defineSystem({ ...base, zones: { admin, internal: { ...internal, gateway } } });
    },
    'zones.internal.gateway.routes[0].authorize',
    /expected.*iam/,
  ],
  'a login of a client that is not declared': [
    () => {
      const gateway = { routes: [], login: { ...login, client: 'portal' } } as const;
      // @ts-expect-error
      return defineSystem({ ...base, zones: { admin, internal: { ...internal, gateway } } });
    },
    'zones.internal.gateway.login.client',
    /portal/,
  ],
  'a security level as a number': [
    () => {
      const gateway = { routes: [], login: { ...login, securityLevel: 4 } } as const;
      // @ts-expect-error
      return defineSystem({ ...base, zones: { admin, internal: { ...internal, gateway } } });
    },
    'zones.internal.gateway.login.securityLevel',
    /expected.*"4"/,
  ],
  'a schedule in words': [
    withInternal({ functions: { x: { schedules: { nightly: 'every night' } } } }),
    'zones.internal.functions.x.schedules.nightly',
    /rate\(5 minutes\)/,
  ],
  'a misspelt field of a table': [
    () => {
      const functions = { x: { tables: { seen: { partitionkey: { name: 'pk' } } } } } as const;
      // @ts-expect-error
      return defineSystem({ ...base, zones: { admin, internal: { ...internal, functions } } });
    },
    'zones.internal.functions.x.tables.seen.partitionkey',
    /not a field.*fields here are .*\bpartitionKey\b/,
  ],
  'a network of another': [withInternal({ cidr: '10.2.0.0/20' }), 'zones.internal.cidr', /overlap/],
  'no admin zone': [() => defineSystem({ ...base, zones: { internal } }), 'zones', /admin/],
};

const file = join(newFolder(), 'zones.ts');
const read = (name: string) => MISTAKES[name]?.[0]();
(globalThis as { write?: unknown }).write = read;
writeFileSync(file, 'export default (stage: string) => globalThis.write(stage);\n');

test.each(Object.entries(MISTAKES))(
  '%s: file, field and what would be right',
  async (name, [, field, right]) => {
    const error = await loadSystem(file, name).catch((reason: Error) => reason);
    expect(error).toMatchObject({ code: 'declaration_invalid' });
    const { message } = error as Error;
    expect(message.startsWith(`${file}: `)).toBe(true);
    const lines = message.split('\n').map((line) => line.trim());
    const line = lines.find((each) => each.startsWith(`${field} `));
    expect(line, message).toMatch(right);
  },
);

test('a mistake in the form of a field hides none in what fields mean together, nor is one field named twice', async () => {
  const calls = { ...call, paths: ['v1/*'] };
  const twoMistakes = { ...internal, cider: 1, cidr: '10.2.0.0/20', grants: [{ ...grant, apis: [calls] }] };
  const all = { ...base, zones: { admin, internal: twoMistakes } };
  const error = await Promise.resolve()
    .then(() => defineSystem(all as never))
    .catch((reason: Error) => reason);
  const fields = (error as Error).message
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(' ')[0]);
  const wrong = ['grants[0].apis[0].paths[0]', 'cider', 'cidr'];
  expect(fields).toEqual(wrong.map((field) => `zones.internal.${field}`));
});

test('thirty at least, of which twenty at least are red in the editor', () => {
  const source = readFileSync(import.meta.filename, 'utf8');
  expect(Object.keys(MISTAKES).length).toBeGreaterThanOrEqual(30);
  expect([...source.matchAll(/^ +\/\/ @ts-expect-error$/gm)].length).toBeGreaterThanOrEqual(20);
});
