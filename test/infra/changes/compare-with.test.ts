import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { reportChanges, unexplained, widenings } from '../../../infra/changes/changes.ts';
import { compareWith } from '../../../infra/changes/compare-with.ts';
import { findBase } from '../../../infra/changes/find-base.ts';
import type { SystemDeclaration } from '../../../infra/declaration/schema.ts';
import { type Assembly, readAssembly } from '../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../../infra/proof/assembly/resolve.ts';
import { compareWithDerived } from '../../../infra/proof/derived/compare.ts';
import { deriveAssembly } from '../../../infra/proof/derived/derive.ts';
import { readInput } from '../../../infra/proof/read-input.ts';
import type { ProofInput } from '../../../infra/proof/rules/rule.ts';
import { coded } from '../../coded.ts';
import { FULL } from '../../full.ts';
import system from '../../one-client.zones.ts';
import own from '../../own-things.zones.ts';
import { newFolder } from '../../temporary.ts';
import zones from '../../two-clients.zones.ts';
import {
  adds,
  allow,
  find,
  idOf,
  PUBLIC,
  STACKS,
  setsVariables,
  statementsOf,
  withTemplate,
} from '../proof/mutate.ts';
import { synthesizedFolder, withZones } from '../synthesize.ts';

const folder = synthesizedFolder();
const OPTIONS = { declaration: 'zones.ts' };
const SUMMARY = 'journal-public-summary';

/** What an assembly comes to against another one, by default that of the system of one client. */
function against(assembly: Assembly, declaration: SystemDeclaration = system, base = folder) {
  const compared = compareWithDerived(assembly, deriveAssembly(declaration, assembly));
  const input = readInput(resolveAssembly(assembly), declaration, compared);
  return compareWith(findBase(base), { ...input, read: assembly }, OPTIONS);
}

const [summaries] = system.zones.public.grants;
/** The public zone may write what it may only read, and search. */
const wider = withZones({
  public: {
    ...system.zones.public,
    grants: [
      {
        ...summaries,
        requestObjects: true,
        apis: [{ api: 'summaries', methods: ['GET', 'POST'], paths: ['/v1/*'] }],
      },
    ],
  },
});
const widerFolder = synthesizedFolder(wider);

describe('a change', () => {
  it.runIf(FULL)('of nothing widens and narrows nothing', async () => {
    expect(await against(readAssembly(folder))).toEqual({ widened: [], narrowed: [] });
  });

  it.runIf(FULL)(
    'of nothing, against a revision, which is synthesized without code, leaves a webhook guarded',
    async () => {
      const revision = synthesizedFolder(own, { withCode: 'files', extension: false });
      expect(await against(readAssembly(synthesizedFolder(own)), own, revision)).toEqual({
        widened: [],
        narrowed: [],
      });
    },
  );

  // One comparison, since it takes seconds.
  it('of the declaration explains what it widens, and one of a template is not', async () => {
    const changes = await against(
      withTemplate(readAssembly(widerFolder), PUBLIC, (r) => {
        const boundary = find(r, 'Boundary', 'ManagedPolicy');
        for (const resource of [find(r, 'summaryRole'), boundary])
          allow(resource, 'lambda:UpdateFunctionCode');
        for (const resource of [find(r, 'apiRole'), boundary])
          for (const statement of statementsOf(resource)) delete statement.Condition;
        (find(r, 'NetworkAllowed').Properties['Domains'] as string[]).push('elsewhere.example');
        for (const { Properties } of Object.values(r))
          if (Properties?.['AuthorizationType'] === 'AWS_IAM') Properties['AuthorizationType'] = 'NONE';
        adds('AWS::DynamoDB::Table', { TableName: 'journal-public-more' })(r);
        find(r, 'AlarmsjournalpublicGatewayErrors').Properties['Threshold'] = 1000;
        find(r, 'summaryFunction').Properties['ReservedConcurrentExecutions'] = 900;
        setsVariables('summary', { NODE_OPTIONS: '--inspect' })(r);
        delete r[idOf(r, 'AlarmsjournalpublicMemoryUsed')];
      }),
      wider,
    );
    const signer = 'journal-signer-journal-public';
    const url = 'https://summaries.example.no/v1/*';
    expect(changes.widened.filter(({ explained }) => explained)).toEqual(
      [`proofs GET ${url}`, `proofs POST ${url}`, 'request objects of client journal'].map((what) => ({
        kind: 'signs',
        who: signer,
        what,
        explained: true,
      })),
    );
    // What a line with a star covers is not lost: no signature is, only what the template's change takes away.
    expect(
      new Set(
        changes.narrowed.map(({ what }) => what.replace(/^ec2:\w+/, 'ec2:…').replaceAll('\u00a0', ' ')),
      ),
    ).toEqual(
      new Set([
        'ec2:… on * when lambda:SourceFunctionArn is absent',
        `lambda:InvokeFunction on function ${signer} when aws:SourceVpce is the lambda endpoint of public`,
        `GET /summaries/{id} callers signed with IAM to ${SUMMARY}`,
      ]),
    );
    expect(new Set(changes.narrowed.map(({ kind }) => kind))).toEqual(new Set(['may', 'is entered by']));
    expect(reportChanges({ widened: [], narrowed: changes.widened })).toContain(
      `- ${signer} signs request objects`,
    );
    const expected = [
      { kind: 'may', who: SUMMARY, what: expect.stringContaining('lambda:UpdateFunctionCode') },
      { kind: 'may', who: 'journal-public-api', what: expect.stringContaining('dynamodb:GetItem') },
      { kind: 'reaches', who: SUMMARY, what: 'elsewhere.example on TCP 443' },
      { kind: 'is entered by', who: 'public', what: expect.stringContaining('summaries') },
      { kind: 'adds', who: 'public', what: expect.stringContaining('AWS::DynamoDB::Table') },
    ];
    // Settings, each once, and none that the declaration explains.
    const settings = changes.widened.filter(({ kind }) => kind === 'now');
    expect(settings.map(({ who, what }) => `${who.split('/').slice(1, 3).join('/')} ${what}`).sort()).toEqual(
      [
        'Alarms/journal-public-GatewayErrors has another Threshold than before (1000, not 4)',
        'Alarms/journal-public-MemoryUsed is not there',
        'Gateway/Api has another AuthorizationType than before (NONE, not AWS_IAM)',
        'Network/AllowedNames has another Domains than before',
        'summary/Function has ReservedConcurrentExecutions, which was not there',
        'summary/Function has another Environment.Variables.NODE_OPTIONS than before (--inspect, not --enable-source-maps)',
      ],
    );
    for (const one of expected) expect(changes.widened).toContainEqual({ ...one, explained: false });
    expect(unexplained(changes)).toBe(changes.widened.length - 3);
    const [all, unsaid] = [changes.widened.length, changes.widened.length - 3];
    const said = reportChanges(changes);
    expect(said).toMatch(new RegExp(`^${all} widened \\(${unsaid} not by the declaration\\)[^]*! `));
  }, 120_000);

  it.runIf(FULL)('of the declaration alone narrows nothing and is explained', async () => {
    const changes = await against(readAssembly(widerFolder), wider);
    expect(changes.widened).toHaveLength(3);
    expect(changes.narrowed).toEqual([]);
    expect(unexplained(changes)).toBe(0);
  });

  it.runIf(FULL)('of the declaration by a zone is explained, roles, networks and entries', async () => {
    const { internal } = system.zones;
    const more = withZones({ more: { ...internal, cidr: '10.60.0.0/20' } });
    const changes = await against(readAssembly(synthesizedFolder(more)), more);
    expect(new Set(changes.widened.map(({ kind }) => kind))).toEqual(
      new Set(['may', 'signs', 'reaches', 'is entered by']),
    );
    expect(changes.widened.filter(({ explained }) => !explained)).toEqual([]);
  });

  it.runIf(FULL)('of a grant in the signer’s asset alone is not, whatever zones.ts says', async () => {
    const assembly = readAssembly(folder);
    const stack = (of: Assembly) => of.stacks.find(({ name }) => name === STACKS.signing);
    const assets = stack(readAssembly(widerFolder))?.assets ?? new Map();
    const mixed = {
      stacks: assembly.stacks.map((one) =>
        one.name === STACKS.signing
          ? { ...one, template: stack(readAssembly(widerFolder))?.template ?? {}, assets }
          : one,
      ),
    };
    const { widened } = await against(mixed);
    expect(widened.length).toBeGreaterThan(0);
    expect(widened.filter(({ explained }) => explained)).toEqual([]);
  });

  it.runIf(FULL)(
    'against an assembly that does not say its declaration is explained by nothing',
    async () => {
      const bare = newFolder();
      cpSync(folder, bare, { recursive: true });
      rmSync(join(bare, 'declaration.json'));
      const changes = await against(readAssembly(widerFolder), wider, bare);
      expect(unexplained(changes)).toBe(changes.widened.length);
      expect(changes.widened.length).toBeGreaterThan(0);
    },
  );
});

describe('what no policy says', () => {
  const inputOf = (of: SystemDeclaration, given = readAssembly(folder)) =>
    readInput(resolveAssembly(given), of);
  const said = (before: ProofInput, after: ProofInput) =>
    widenings(before, after).map(({ who, kind, what }) => `${who} ${kind} ${what}`);
  const before = inputOf(system);
  const DEPLOYER = 'arn:aws:iam::000000000000:role/deployer';
  const { zones, apis, signing, exceptions = [] } = system;
  const { gateway } = zones.public;
  const after = inputOf(
    {
      ...system,
      signing: { ...signing, deployers: [DEPLOYER] },
      otherStacks: ['shop-web'],
      exceptions: exceptions.map((one) => ({ ...one, about: [...one.about, 'zones.more'] })),
      apis: { ...apis, summaries: { ...apis.summaries, scopes: [...apis.summaries.scopes, 'write'] } },
      zones: {
        ...zones,
        public: { ...zones.public, gateway: { ...gateway, login: { ...gateway.login, securityLevel: '3' } } },
      },
    },
    withTemplate(readAssembly(folder), PUBLIC, (r) => {
      const [id = ''] = Object.keys(r).filter((one) => r[one]?.Type === 'AWS::Lambda::ResourcePolicy');
      delete r[id];
    }),
  );

  it('is said: what is assumed, who deploys, who else invokes a signer, what is excepted, demanded and asked for', () => {
    expect(said(before, after).sort()).toEqual([
      `${DEPLOYER} may change the code and settings of signers`,
      'journal-signing/Record-journal excepts zones-of-a-client-need-the-same-scopes of zones.more',
      expect.stringMatching(/^other principals may lambda:InvokeFunction on \S+:function:journal-signer-/),
      'public is entered by login with securityLevel "3"',
      expect.stringMatching(/^the proof assumes of other stack shop-web: /),
      'what calls summaries may ask for tokens of write',
    ]);
  });

  it('is nothing where all is as it was', () => {
    expect(said(before, before)).toEqual([]);
  });
});

describe('what can be compared', () => {
  it('is for the same account and region', async () => {
    const place = { account: '111122223333', region: 'eu-west-1' };
    const read = readAssembly(synthesizedFolder(system, { ...place, withCode: false }));
    const input = readInput(resolveAssembly(read), system);
    const compared = compareWith(findBase(folder), { ...input, read }, OPTIONS);
    await expect(compared).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it.runIf(FULL)(
    'is what is committed, of a revision',
    async () => {
      const args = [
        'infra/proof/main.ts',
        '--against',
        'HEAD',
        '--json',
        '--assembly',
        synthesizedFolder(zones),
      ];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      expect([0, 1], stderr).toContain(status);
      expect(JSON.parse(stdout)).toMatchObject({ ok: status === 0, widened: expect.any(Array) });
    },
    120_000,
  );

  it('is an assembly or a revision', () => {
    for (const other of ['no-such-revision', '--output=x', newFolder()])
      expect(() => findBase(other)).toThrow(coded('config_invalid', 'neither a folder'));
    expect(findBase(folder)).toEqual({ against: folder, commit: undefined });
    expect(findBase('HEAD').commit).toMatch(/^[0-9a-f]{40}$/);
  });
});
