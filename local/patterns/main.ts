import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { sharingProblem } from '@helseid-zones/protocol/custody';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { listen } from '../aws/http.ts';
import { PATTERNS, type Pattern, type Steps } from './patterns.ts';
import { startPatternWorld } from './stand-in.ts';

const NAMES = [...Object.keys(PATTERNS), 'cross-zone'];
const USAGE = `npm run pattern -- rich-client|shared-backend|distributed|cross-zone

Runs one of the guideline's four patterns against stand-ins on this machine: what holds the key, who may use it, and what would break
the rule, which is tried and must be refused. docs/patterns.md says which fits. Ends with 1 where a step goes otherwise.`;

/** Runs a pattern, a line a step by `print`. Resolves to whether every step went as it must. */
export async function runPattern(name: string, print: (line: string) => void): Promise<boolean> {
  const pattern = PATTERNS[name];
  if (!pattern) throw new ZonesError('config_invalid', USAGE);
  const folder = mkdtempSync(join(tmpdir(), 'helseid-pattern-'));
  const passphraseFile = join(folder, 'passphrase');
  writeFileSync(passphraseFile, 'made-for-this-run-and-gone-with-it', { mode: 0o600 });
  const redirectUri = `http://127.0.0.1:${await freePort()}/callback`;
  const world = await startPatternWorld(folder, ['journal'], redirectUri);
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), world.certificate.cert]);
  let right = true;
  const tell = async (title: string, run: () => Promise<unknown>, must: RegExp) => {
    const [code, said] = await run().then(
      (answer) => ['', answer],
      (error) => (isZonesError(error) ? [error.code, error.message] : ['error', error]),
    );
    const asItMust = must.test(code);
    right &&= asItMust;
    print(`  ${title}: ${asItMust ? '' : 'NOT AS IT MUST: '}${code ? `refused, ${code}: ` : ''}${said}`);
  };
  const steps: Steps = {
    does: (title, run) => tell(title, run, /^$/),
    breaks: (title, run) => tell(title, run, /^custody_/),
  };
  const { issuer, api, scopes, selfService } = world;
  const settings = {
    ...{ issuer, api, clientId: 'journal', scope: scopes.join(' '), passphraseFile },
    selfService: selfService.baseUrl,
  };
  print(`${name}\n`);
  draw(pattern, print);
  try {
    await pattern.run(steps, { world, folder, settings, redirectUri });
  } finally {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
  print(right ? '\nEvery step went as it must.' : '\nA step went otherwise than it must.');
  return right;
}

function draw(pattern: Omit<Pattern, 'run'>, print: (line: string) => void): void {
  const { boundary, holds, mayUse, breaks } = pattern;
  const rows = { boundary, 'holds the key': holds, 'may use it': mayUse, 'breaks the rule': breaks };
  for (const [name, what] of Object.entries(rows)) print(`  ${name.padEnd(15)} ${what}`);
  print('');
}

/** The whole deployed system, once: its steps have the denials of every boundary among them. */
function runCrossZone(): boolean {
  draw(
    {
      boundary: 'each zone is a closed network of its own; the signing zone is one more',
      holds: 'AWS KMS (awskms:), which gives it to nobody',
      mayUse: 'the signers, each for one zone and what it is granted; zones ask for facts, never for bytes',
      breaks: 'a key that can be read out in two zones; a zone that asks another’s signer, or KMS',
    },
    console.log,
  );
  console.log(`  custody: 'file:' in zones.ts: refused, ${sharingProblem('file:')}\n`);
  const main = join(import.meta.dirname, '../app/main.ts');
  return spawnSync(process.execPath, [main, '--once'], { stdio: 'inherit' }).status === 0;
}

/** A port that nobody has now: the program listens on it when somebody logs in. */
async function freePort(): Promise<string> {
  const server = await listen(() => {});
  await server.close();
  return new URL(server.url).port;
}

if (import.meta.main) {
  const [name = ''] = process.argv.slice(2);
  if (!NAMES.includes(name)) {
    console.log(USAGE);
    process.exitCode = name === '--help' ? 0 : 1;
  } else if (!(name === 'cross-zone' ? runCrossZone() : await runPattern(name, console.log)))
    process.exitCode = 1;
}
