import { App, Stage } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { describe, expect, it } from 'vitest';
import { buildClinic, system } from '../../examples/existing-app.ts';
import { addSystem } from '../../infra/build-app.ts';
import { WITHOUT_CODE } from '../../infra/constructs/zone-function.ts';
import { readAssembly } from '../../infra/proof/assembly/read-assembly.ts';
import { compareWithDerived } from '../../infra/proof/derived/compare.ts';
import { deriveAssembly } from '../../infra/proof/derived/derive.ts';
import { prove } from '../../infra/proof/prove.ts';
import { FULL, sampled } from '../full.ts';
import oneClient from '../one-client.zones.ts';
import { newFolder } from '../temporary.ts';

describe('an application that was there before', () => {
  const outdir = newFolder();
  // That this synth does not fail is the plugin's test. CloudFormation's own schemas, which take seconds, in full only.
  buildClinic({ outdir, builtinCloudFormationValidation: FULL }).synth();
  const assembly = readAssembly(outdir);
  const proof = prove(assembly, system, { derived: deriveAssembly(system, assembly) });

  it('gets a zone, and the proof holds assuming what it can’t see: its own two stacks', () => {
    expect(proof.violations).toEqual([]);
    expect(proof.verdict).toBe('holds assuming');
    expect(proof.assumptions.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'other stack Test-Data',
      'other stack Test-Web',
    ]);
    expect(proof.input.comparison?.additions).toEqual([]);
  });

  it('has the stacks under the system’s own names, whatever Stage they are in', () => {
    expect(assembly.stacks.map(({ name }) => name).sort()).toEqual([
      'Test-Data',
      'Test-Web',
      'clinic-signing',
      'clinic-zone-admin',
      'clinic-zone-letters',
    ]);
  });

  it.runIf(FULL)('fails to synthesize as soon as something of its own touches a zone', () => {
    const app = buildClinic({ outdir: newFolder() });
    const page = app.node.findChild('Test').node.findChild('Web').node.findChild('Page');
    if (page instanceof LambdaFunction)
      page.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: ['*'] }));
    expect(() => app.synth()).toThrow(/may lambda:InvokeFunction on/);
  });
});

describe('a system below any scope', () => {
  const env = { account: '111122223333', region: 'eu-west-1' };
  const templates = (prepare: (app: App) => void, outdir = newFolder()) => {
    const app = new App({
      outdir,
      context: { [WITHOUT_CODE]: 'none' },
      builtinCloudFormationValidation: FULL,
    });
    prepare(app);
    app.synth();
    return readAssembly(outdir);
  };

  const below: [string, (app: App) => void][] = [
    ['a Stage', (app) => void addSystem(new Construct(new Stage(app, 'X', { env }), 'Y'), oneClient)],
    ['an app', (app) => void addSystem(app, oneClient)],
  ];
  it.each(sampled(below))(
    'has the templates that the proof derives, for the place of its Stage: %s',
    (name, prepare) => {
      const given = templates(prepare);
      const { violations, additions } = compareWithDerived(given, deriveAssembly(oneClient, given));
      // Neither has code here, which is a difference of its own.
      expect(violations.filter(({ about }) => about?.join() !== 'Code')).toEqual([]);
      expect(additions).toEqual([]);
      for (const { account, region } of name === 'an app' ? [] : given.stacks)
        expect({ account, region }).toEqual(env);
    },
  );
});
