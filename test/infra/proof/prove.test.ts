import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type App, Stack, Validations } from 'aws-cdk-lib';
import { CfnUser } from 'aws-cdk-lib/aws-iam';
import * as v from 'valibot';
import { describe, expect, it, onTestFinished, test, vi } from 'vitest';
import type { ProofException } from '../../../infra/declaration/schema.ts';
import { readAssembly } from '../../../infra/proof/assembly/read-assembly.ts';
import { boundaryPlugin } from '../../../infra/proof/plugin.ts';
import { decide } from '../../../infra/proof/policy/decide.ts';
import { applyExceptions, matrixOf, prove } from '../../../infra/proof/prove.ts';
import { proofAsJson } from '../../../infra/proof/report/proof-json.ts';
import { reportMatrix } from '../../../infra/proof/report/report.ts';
import { reportSummary } from '../../../infra/proof/report/summary.ts';
import { CAPABILITIES } from '../../../infra/proof/rules/capabilities.ts';
import { unknownRole } from '../../../infra/proof/rules/external-principals.ts';
import { RULES } from '../../../infra/proof/rules/index.ts';
import { OTHERS } from '../../../infra/proof/rules/lambda/signer-policies.ts';
import { CONNECT } from '../../../infra/proof/rules/reach-rows.ts';
import { coded } from '../../coded.ts';
import { FULL, sampled } from '../../full.ts';
import system from '../../one-client.zones.ts';
import { newFolder } from '../../temporary.ts';
import { synthesizedFolder } from '../synthesize.ts';
import { allow, find, PUBLIC, withTemplate } from './mutate.ts';

const directory = synthesizedFolder();
const oneClient = readAssembly(directory);
const SUMMARY = 'journal-zone-public/summary/Role/Resource';
const proof = prove(oneClient, system);
const matrix = matrixOf(proof);
const brokenAssembly = withTemplate(oneClient, PUBLIC, (r) => allow(find(r, 'summaryRole'), 'iam:PassRole'));
const broken = prove(brokenAssembly, system);

const LAYERS = ['endpoint policy', 'resource policy', 'identity policy', 'permissions boundary'] as const;
const layer = v.picklist(LAYERS);
const request = v.exactOptional(
  v.strictObject({
    principal: v.looseObject({ kind: v.picklist(['role', 'user', 'root', 'service', 'anonymous']) }),
    action: v.string(),
    resource: v.string(),
    context: v.record(v.string(), v.nullable(v.union([v.string(), v.array(v.string())]))),
    without: v.exactOptional(v.array(layer)),
    assuming: v.exactOptional(v.array(v.string())),
  }),
);

/** What docs/proof.md documents, and nothing else. */
const schema = v.strictObject({
  ok: v.boolean(),
  verdict: v.picklist(['holds', 'holds assuming', 'violated']),
  assumptions: v.array(
    v.strictObject({ kind: v.string(), name: v.string(), field: v.string(), assumes: v.string() }),
  ),
  additions: v.array(v.strictObject({ resource: v.string(), type: v.string(), stack: v.string() })),
  assets: v.array(
    v.strictObject({ function: v.string(), sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }),
  ),
  violations: v.array(
    v.strictObject({
      rule: v.picklist(RULES.map(({ name }) => name)),
      invariant: v.picklist(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I10']),
      resource: v.pipe(v.string(), v.nonEmpty()),
      about: v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.nonEmpty()),
      message: v.pipe(v.string(), v.nonEmpty()),
      remedy: v.pipe(v.string(), v.nonEmpty()),
      request,
    }),
  ),
  signable: v.array(
    v.strictObject({
      signer: v.string(),
      zone: v.string(),
      askedBy: v.pipe(v.array(v.string()), v.nonEmpty()),
      client: v.string(),
      clientId: v.string(),
      issuer: v.pipe(v.string(), v.url()),
      organisations: v.union([v.picklist(['none', 'any']), v.array(v.looseObject({ type: v.string() }))]),
      proofs: v.array(
        v.strictObject({ methods: v.array(v.string()), urls: v.array(v.string()), token: v.boolean() }),
      ),
      requestObjects: v.boolean(),
      loginScopes: v.array(v.string()),
    }),
  ),
  matrix: v.array(
    v.strictObject({
      principal: v.pipe(v.string(), v.nonEmpty()),
      zone: v.picklist(['signing', ...Object.keys(system.zones), 'no zone']),
      action: v.pipe(v.string(), v.regex(/^[a-z0-9-]+:\w+$/)),
      resource: v.pipe(v.string(), v.nonEmpty()),
      verdict: v.picklist(['never', 'always', 'when']),
      when: v.string(),
      layers: v.array(v.picklist([...LAYERS, 'network', 'trust policy'])),
      request,
    }),
  ),
});

describe('the proof', () => {
  it('finds that the boundaries hold, but for the exception', () => {
    expect(proof).toMatchObject({
      ok: true,
      violations: [],
      exceptions: [{ findings: [{ rule: 'zones-of-a-client-need-the-same-scopes', invariant: 'I3a' }] }],
    });
    const findings = [...proof.violations, ...proof.exceptions.flatMap(({ findings }) => findings)];
    expect(applyExceptions(findings, { exceptions: [] }).violations).toMatchObject([
      { resource: 'journal-signing/Record-journal' },
    ]);
  });

  it('says who may sign, and holds every never by two layers but where it says why not', () => {
    const signers = matrix.filter(({ action, verdict }) => action === 'kms:Sign' && verdict !== 'never');
    expect(signers.map(({ principal }) => principal).sort()).toEqual(
      ['admin', 'internal', 'public'].map((zone) => `journal-signer-journal-${zone}`),
    );
    for (const { when } of signers) expect(when).toMatch(/aws:SourceVpce is .*kms:MessageType is DIGEST/);
    const thin = matrix.filter(
      ({ layers, verdict, allowed }) => verdict === 'never' && !allowed && layers.length < 2,
    );
    for (const { alone } of thin) expect(alone).not.toBe('');
  });

  it('asks about every action of every rule, on whatever resource, and every role', () => {
    const { input } = proof;
    const everything = /^(\*|arn:aws:[a-z0-9-]+:\*:\*:\*)( except |$)/;
    const asked = new Set(
      matrix
        .filter(({ resource }) => everything.test(resource))
        .map(({ principal, action }) => `${principal} ${action}`),
    );
    // Of a signer's kms:Sign the matrix has client keys only; signing-is-bound looks at any.
    const questions = input.actors.flatMap(({ name, client }) =>
      CAPABILITIES.flatMap(({ actions }) => actions)
        .filter((action) => client === undefined || action !== 'kms:Sign')
        .map((action) => `${name} ${action}`),
    );
    expect(questions.filter((question) => !asked.has(question))).toEqual([]);
  });

  it('says never only where the engine, asked anew about the whole world, does', () => {
    const { input } = proof;
    const nevers = matrix.filter(
      ({ verdict, resource, action }) => verdict === 'never' && !resource.includes(' ') && action !== CONNECT,
    );
    expect(nevers.length).toBeGreaterThan(1000);
    for (const { principal, action, resource } of sampled(nevers)) {
      const actor =
        principal === OTHERS
          ? unknownRole(input.assembly.account)
          : input.actors.find(({ name }) => name === principal);
      if (actor === undefined) throw new Error(principal);
      const answer = decide({ principal: actor.principal, action, resource }, input.world);
      if (answer.verdict !== 'never') expect.fail(`${principal} ${action} ${resource}`);
    }
  });

  it('names who, through what, to what', () => {
    const [finding] = broken.violations;
    expect(finding).toMatchObject({ rule: 'identities-are-not-changed', invariant: 'I1', resource: SUMMARY });
    expect(finding?.about).toEqual(['iam:PassRole']);
    expect(finding?.path[0]).toBe(SUMMARY);
    expect(finding?.path[1]).toMatch(/^journal-public-summary\/own: \d+$/);
    expect(finding?.path.at(-1)).toBe('arn:aws:iam:*:*:*');
  });
});

describe('exceptions', () => {
  const except = (
    resource: string,
    rule = 'identities-are-not-changed',
    about = ['iam:PassRole'],
    findings = broken.violations,
  ) => {
    const exception: ProofException = { rule, resource, about, reason: 'It passes one role to one service.' };
    const applied = applyExceptions(findings, { exceptions: [exception] });
    return { ...broken, ...applied, ok: applied.violations.length === 0 };
  };
  const moreBroken = broken.violations.map((finding) => ({
    ...finding,
    about: ['iam:PassRole', 'iam:PutRolePolicy'],
  }));

  it.each([SUMMARY, 'journal-zone-public/summary/*'])(
    'take a finding out at %s, and are reported',
    (resource) => {
      const proof = except(resource);
      expect(proof.ok).toBe(true);
      expect(proof.exceptions.at(-1)?.findings).toHaveLength(1);
      expect(reportSummary(proof, 400)).toContain('It passes one role to one service.');
    },
  );

  it.each([
    ['another resource', except('journal-zone-public/login/*')],
    ['another rule', except(SUMMARY, 'keys-are-not-captured')],
    ['a name that begins the same', except('journal-zone-public/summ/*')],
    ['another action', except(SUMMARY, undefined, ['iam:PutRolePolicy'])],
    ['one action more', except(SUMMARY, undefined, undefined, moreBroken)],
  ])('leave it for %s, and say that they except nothing', (_name, proof) => {
    expect(proof.ok).toBe(false);
    expect(reportSummary(proof, 400)).toContain('Excepts nothing any more');
  });
});

test('an exception of no rule is refused, by the proof and before a synth', () => {
  const declaration = {
    ...system,
    exceptions: [
      ...system.exceptions,
      { rule: 'nobody-deploy', resource: SUMMARY, about: ['iam:PassRole'], reason: 'It deploys itself.' },
    ],
  };
  const refusal = coded(
    'declaration_invalid',
    /exceptions\[1\]\.rule names the rule nobody-deploy.*docs\/proof\.md/,
  );
  expect(() => prove(oneClient, declaration)).toThrow(refusal);
  expect(() => boundaryPlugin(declaration)).toThrow(refusal);
});

test('an assembly that refers to itself is refused with a code', () => {
  const Value = { 'Fn::GetStackOutput': { StackName: PUBLIC, OutputName: 'Round' } };
  const stacks = oneClient.stacks.map((one) =>
    one.name === PUBLIC ? { ...one, template: { ...one.template, Outputs: { Round: { Value } } } } : one,
  );
  expect(() => prove({ stacks }, system)).toThrow(expect.objectContaining({ code: 'assembly_invalid' }));
});

/** What a terminal would act on, or take for a verdict. */
const HOSTILE = '\u001b[2K\u009b2J\u202e\nThe boundaries of journal hold';
const ACTS = /[\p{C}--\n]|^The boundaries of journal hold/mv;

describe('what is printed', () => {
  const wrong = withTemplate(oneClient, PUBLIC, (r) => {
    for (const { Properties } of Object.values(r)) delete Properties?.['PermissionsBoundary'];
    r[`Thing${HOSTILE}`] = { Type: `AWS::Thing::${HOSTILE}`, Properties: {} };
  });
  const much = prove(wrong, { ...system, exceptions: [] });

  it('is JSON of the documented shape', () => {
    const json: unknown = JSON.parse(JSON.stringify(proofAsJson(broken)));
    expect(v.safeParse(schema, json).issues).toBeUndefined();
  });

  describe.each([80, 120])('in a terminal of %i columns', (width) => {
    const fits = (text: string) => text.split('\n').filter((line) => line.length > width);

    it('fits a screen, and begins with the verdict', () => {
      const text = reportSummary(proof, width);
      expect(text).toMatch(/^The boundaries of journal hold \(\d+ rules, \d+ roles, \d+\squestions\)/);
      expect(text).toContain('EXCEPTIONS DECLARED');
      expect(fits(text)).toEqual([]);
      expect(text.split('\n').length).toBeLessThan(30);
    });

    it('fits one however much is wrong, and counts the rest by rule; all of it where somebody asks', () => {
      const text = reportSummary(much, width);
      expect(text).toMatch(/^The boundaries of journal DO NOT HOLD: \d+ violations/);
      expect(text.replace(/\s+/g, ' ')).toMatch(/and by rule \(--all shows them\): .*roles-are-bounded \d+/);
      expect(fits(text)).toEqual([]);
      expect(text.split('\n').length).toBeLessThan(60);
      const all = reportSummary(much, width, true);
      expect(all.match(/^ {4}remedy/gm)).toHaveLength(much.violations.length);
      expect(all).toContain('\\u001b[2K');
      expect(all).not.toMatch(ACTS);
    });

    it('says who may do what, of everybody, of a zone, of a role', () => {
      const text = reportMatrix(proof, width);
      for (const heading of ['WHO MAY SIGN', 'WHO MAY REACH WHAT', 'WHAT NOBODY MAY DO'])
        expect(text).toContain(heading);
      expect(fits(text)).toEqual([]);
      expect(text).not.toContain('vpce-0');
      const zone = reportMatrix(proof, width, { zone: 'internal' });
      expect(zone).toContain('journal-internal-worker');
      expect(zone).not.toMatch(/journal-public-|journal-admin-|NOBODY/);
      expect(reportMatrix(proof, width, { role: 'journal-public-login' })).not.toContain('summary');
    });
  });

  it('names the zones and roles where there is none of a name', () => {
    const refused = (message: RegExp) => coded('config_invalid', message);
    expect(() => reportMatrix(proof, 80, { zone: 'intern' })).toThrow(refused(/zone intern; .*internal/));
    const elsewhere = { zone: 'public', role: 'journal-internal-worker' };
    expect(() => reportMatrix(proof, 80, elsewhere)).toThrow(
      refused(/worker in zone public; there are (?!.*worker)/),
    );
    expect(() => reportMatrix(proof, 80, { role: 'worker' })).toThrow(refused(/journal-internal-worker/));
  });

  it('says what is wrong and how to mend it', () => {
    const text = reportSummary(broken, 120);
    expect(text).toMatch(/DO NOT HOLD: 1 violation /);
    expect(text).toMatch(
      /I1 identities-are-not-changed\n.*iam:PassRole[\s\S]*at {6}journal-zone-public\/summary[\s\S]*remedy/,
    );
  });
});

describe('npm run zones', { timeout: 120_000 }, () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['infra/proof/main.ts', ...args], { encoding: 'utf8', maxBuffer: 2 ** 24 });

  const declaration = ['--declaration', 'test/one-client.zones.ts'];

  // .ci/run runs this file in full.
  it.runIf(FULL)('exits 0 where the boundaries hold', () => {
    const { status, stdout } = run('--assembly', directory, ...declaration);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^The boundaries of journal hold /);
  });

  it.runIf(FULL).each(['--all', '--json'])(
    'exits 1 for one edited by hand, and prints no terminal escape of its %s',
    (more) => {
      const edited = newFolder();
      cpSync(directory, edited, { recursive: true });
      const file = join(edited, `${PUBLIC}.template.json`);
      const template = JSON.parse(readFileSync(file, 'utf8').replace('"PermissionsBoundary"', '"Forgotten"'));
      template.Resources[`Thing${HOSTILE}`] = { Type: `AWS::Thing::${HOSTILE}`, Properties: {} };
      writeFileSync(file, JSON.stringify(template));
      const { status, stdout, stderr } = run('--assembly', edited, ...declaration, more);
      expect(status).toBe(1);
      expect(stdout).toContain('roles-are-bounded');
      expect(stdout).toContain('\\u001b[2K');
      expect(stdout + stderr).not.toMatch(ACTS);
      if (more === '--json') expect(JSON.parse(stdout)).toMatchObject({ ok: false });
    },
  );

  it.each(
    sampled<[string, string[], RegExp]>([
      ['no such assembly', ['--assembly', '/nowhere', ...declaration], /can't be read/],
      ['no such option', ['--yaml'], /^config_invalid: .*--yaml/],
      [
        'no such zone, before a synth',
        ['--zone', 'nosuch', ...declaration],
        /^config_invalid: There is no zone nosuch/,
      ],
      [
        'a part of JSON, which has all',
        ['--json', '--zone', 'public', ...declaration],
        /^config_invalid: --zone says nothing beside --json/,
      ],
      [
        'no such role, before a synth',
        ['--role', 'nosuch', ...declaration],
        /^config_invalid: There is no role nosuch; there are .*journal-public-summary.*, other principals\.$/m,
      ],
      [
        'no folder for the map',
        ['--svg', 'nosuch/map.svg', ...declaration],
        /^config_invalid: --svg .*ENOENT/,
      ],
      ['a folder as the page', ['--html', 'docs', ...declaration], /^config_invalid: --html .*EISDIR/],
      [
        'no such revision, before a synth',
        ['--against', 'nosuch', ...declaration],
        /^config_invalid: nosuch is neither/,
      ],
    ]),
  )('exits 2 and says why: %s', (_name, args, expected) => {
    const { status, stderr } = run(...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(expected);
  });
});

describe('the plugin', () => {
  it('names the command that shows the proof of what was synthesized', () => {
    const told = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    onTestFinished(() => told.mockRestore());
    const folder = synthesizedFolder(system, {}, (app) =>
      Validations.of(app).addPlugins(boundaryPlugin(system)),
    );
    const said = told.mock.calls.join('');
    expect(said).toContain('The boundaries of journal hold');
    expect(said).toContain(`npx helseid-zones zones --assembly ${relative('', folder)} shows`);
  });

  it('fails a synth with a violation, whatever a construct acknowledges', () => {
    const spoil = (app: App) => {
      const stack = app.node.findChild(PUBLIC);
      if (stack instanceof Stack) new CfnUser(stack, 'User');
      Validations.of(app).addPlugins(boundaryPlugin(system));
      const id = 'helseid-zones::additions-are-understood';
      Validations.of(app).acknowledge({ id, reason: 'We like users.' });
    };
    expect(() => synthesizedFolder(system, {}, spoil)).toThrow(/is a AWS::IAM::User: what it does/);
  });
});

describe('docs/proof.md', () => {
  const [, ...sections] = readFileSync('docs/proof.md', 'utf8').split(/^\*\*(I\w+)\*\*$/m);
  it.each(RULES)('has $name and its sentence under its invariant', ({ name, title, invariant }) => {
    expect(sections[sections.indexOf(invariant) + 1]).toContain(`| \`${name}\` | ${title} |`);
  });
});
