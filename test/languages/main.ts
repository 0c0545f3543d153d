import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { required } from '@helseid-zones/protocol/values';
import { fireSchedule } from '../../local/app/call-own.ts';
import { operatorAccess } from '../../local/app/steps/facts.ts';
import { startSystem } from '../../local/app/system.ts';
import { reportMissing } from '../missing.ts';
import { freePorts } from '../ports.ts';
import { pythonWith } from '../python.ts';
import { challenge } from './challenge.ts';

/**
 * The examples in other languages, run by the local system: each gets headers of its zone's tokens function and calls an API that
 * verifies token and proof, and is challenged with a nonce. Says what is missing for one that can't be run here.
 */
const run = (command: string, ...args: string[]) =>
  spawnSync(command, args, { encoding: 'utf8', timeout: 600_000 });

/** What is missing for each language on this machine, or nothing. */
const MISSING: Readonly<Record<string, () => string | undefined>> = {
  python: () => {
    const own = pythonWith('boto3==1.44.8', 'boto3');
    if (own === undefined) return 'boto3 (Python 3.10 with venv, and PyPI)';
    process.env['PATH'] = [dirname(own), process.env['PATH']].join(delimiter);
    return undefined;
  },
  go: () => {
    if (run('go', 'version').error !== undefined) return 'go';
    const { status, stderr } = run(
      'go',
      '-C',
      'examples/languages/go',
      'build',
      '-o',
      'target/bootstrap',
      '.',
    );
    return status === 0 ? undefined : `a build of it; go says:\n${stderr.slice(-1000)}`;
  },
  java: () => {
    for (const tool of ['java', 'keytool', 'mvn'])
      if (run(tool, '--help').error !== undefined) return `${tool} (a JDK of 17 or newer, and Maven)`;
    const { status, stdout } = run('mvn', '-q', '-B', '-f', 'examples/languages/java/pom.xml', 'package');
    return status === 0 ? undefined : `a build of it; Maven says:\n${stdout.slice(-1000)}`;
  },
};

const missing = Object.entries(MISSING).map(([name, look]) => [name, look()] as const);
for (const [name, what] of missing) if (what) reportMissing(name, what);
const languages = missing.flatMap(([name, what]) => (what ? [] : [name]));
if (languages.length > 0 && !(await tryOut(languages))) process.exitCode = 1;

/** Whether an example answers a nonce and a refused token as docs/tokens.md says. */
async function isChallenged(name: string): Promise<boolean> {
  const { asked, said } = await challenge(name);
  const [first] = asked;
  const expected = [
    first,
    { ...first, nonce: 'nonce1' },
    { ...first, nonce: 'nonce1', refused: 'DPoP token2' },
  ];
  const ok = first?.['api'] === 'summaries' && isDeepStrictEqual(asked, expected) && said.includes('none');
  console.log(
    ok
      ? `ok       ${name}: answers a nonce, and then a refused token`
      : `FAILED   ${name}: asked ${JSON.stringify(asked)} and said ${said}`,
  );
  const { asked: asks, followed } = await challenge(name, true);
  const stays = asks.length === 1 && followed.length === 0;
  console.log(
    stays
      ? `ok       ${name}: follows no redirect`
      : `FAILED   ${name}: was redirected, and sent ${JSON.stringify(followed)}`,
  );
  return ok && stays;
}

async function tryOut(languages: readonly string[]): Promise<boolean> {
  process.env['LANGUAGES'] = languages.join(',');
  const directory = mkdtempSync(join(tmpdir(), 'zones-languages-'));
  const system = await startSystem({
    declarationFile: 'test/languages/zones.ts',
    directory,
    fresh: true,
    standIn: true,
    ports: await freePorts(),
    path: process.env['PATH'],
  });
  try {
    let failed = 0;
    for (const name of languages) failed += (await isChallenged(name)) ? 0 : 1;
    const { calls } = required(system.standIns?.apis.get('summaries'), 'The stand-in');
    for (const name of languages) {
      const access = { ...operatorAccess(system), declaration: system.declaration };
      const known = calls.length;
      const { body } = await fireSchedule(access, { zone: 'internal', name: `${name}/daily` });
      const [call] = calls.slice(known);
      const said = JSON.stringify(body);
      const ok = call?.path === '/v1/summaries/17' && !said.includes('errorMessage');
      console.log(
        ok ? `ok       ${name}: ${call.method} ${call.path} answered ${said}` : `FAILED   ${name}: ${said}`,
      );
      failed += ok ? 0 : 1;
    }
    return failed === 0;
  } finally {
    await system.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
