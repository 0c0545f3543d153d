import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { CUSTODIES } from '@helseid-zones/protocol/custody';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { required } from '@helseid-zones/protocol/values';
import { defineSystem } from '../../infra/declaration/define.ts';
import { loadSystem } from '../../infra/declaration/load.ts';
import { DECLARATION_OPTIONS, readArguments } from '../../infra/declaration/options.ts';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import { print, runCommand } from '../../infra/terminal.ts';
import { listen } from '../aws/http.ts';
import { PATTERNS, type Pattern, type Steps } from './patterns.ts';
import { startPatternWorld } from './stand-in.ts';

const USAGE = `npm run pattern -- rich-client|shared-backend|distributed|cross-zone [options]

Runs one of the guideline's four patterns against stand-ins on this machine: what holds the key, who may use it, and what would break
the rule, which is tried and must be refused. docs/patterns.md says which fits. Ends with 1 where a step goes otherwise. The options
are for cross-zone, which runs the system that is declared, with a state of its own: --declaration FILE, --stage NAME, and where npm start
runs meanwhile --port N, --stand-in-port N.`;

/** Runs a pattern, a line a step by `say`. Resolves to whether every step went as it must. */
export async function runPattern(name: string, say: (line: string) => void): Promise<boolean> {
  const pattern = Object.hasOwn(PATTERNS, name) && PATTERNS[name];
  if (!pattern) throw new ZonesError('config_invalid', `There is no pattern "${name}". ${USAGE}`);
  const folder = mkdtempSync(join(tmpdir(), 'helseid-pattern-'));
  const passphraseFile = join(folder, 'passphrase');
  writeFileSync(passphraseFile, 'made-for-this-run-and-gone-with-it', { mode: 0o600 });
  const redirectUri = `http://127.0.0.1:${await freePort()}/callback`;
  const world = await startPatternWorld(folder, ['journal'], redirectUri);
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), world.certificate.cert]);
  const { steps, right } = takeSteps(say);
  const { issuer, api, scopes, selfService } = world;
  const settings = {
    issuer,
    api,
    clientId: 'journal',
    scope: scopes.join(' '),
    passphraseFile,
    selfService: selfService.baseUrl,
  };
  say(`${name}\n`);
  draw(pattern, say);
  try {
    await pattern.run(steps, { world, folder, settings, redirectUri });
  } finally {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
  say(right() ? '\nEvery step went as it must.' : '\nA step went otherwise than it must.');
  return right();
}

/** Steps that say what came of them, and whether all went as they must. */
function takeSteps(say: (line: string) => void): { steps: Steps; right: () => boolean } {
  let right = true;
  const tell = async (title: string, run: () => Promise<unknown>, must: RegExp) => {
    const [code, said] = await run().then(
      (answer) => ['', answer],
      (error) => (isZonesError(error) ? [error.code, error.message] : ['error', error]),
    );
    const asItMust = must.test(code);
    right &&= asItMust;
    say(`  ${title}: ${asItMust ? '' : 'NOT AS IT MUST: '}${code ? `refused, ${code}: ` : ''}${said}`);
  };
  const steps: Steps = {
    does: (title, run) => tell(title, run, /^$/),
    breaks: (title, run) => tell(title, run, /^(?:custody_\w+|declaration_invalid)$/),
  };
  return { steps, right: () => right };
}

function draw(pattern: Omit<Pattern, 'run'>, say: (line: string) => void): void {
  const { boundary, holds, mayUse, breaks } = pattern;
  const rows = { boundary, 'holds the key': holds, 'may use it': mayUse, 'breaks the rule': breaks };
  for (const [name, what] of Object.entries(rows)) say(`  ${name.padEnd(15)} ${what}`);
  say('');
}

/** Declares a system with keys that can be read out, and then has all of it run once: its steps are the denials of every boundary. */
export async function runCrossZone(
  system: SystemDeclaration,
  say: (line: string) => void,
  runSystem: () => number | null,
): Promise<boolean> {
  say('cross-zone\n');
  draw(
    {
      boundary: 'each zone is a closed network of its own; the signing zone is one more',
      holds: 'AWS KMS (awskms:), which gives it to nobody',
      mayUse: 'the signers, each for one zone and what it is granted; zones ask for facts, never for bytes',
      breaks: 'a key that can be read out in two zones; a zone that asks another’s signer, or KMS',
    },
    say,
  );
  const { steps, right } = takeSteps(say);
  const [name, client] = required(Object.entries(system.clients)[0], 'A client');
  // Nothing signs by a PKCS#11 token here, so zones.ts knows none.
  for (const [custody, { extractable }] of Object.entries(CUSTODIES))
    if (custody !== 'pkcs11:')
      await steps[extractable ? 'breaks' : 'does'](
        `the client ${name} with custody: '${custody}' in zones.ts`,
        async () => {
          defineSystem({
            ...system,
            clients: { ...system.clients, [name]: { ...client, custody } },
          } as never);
          return 'taken';
        },
      );
  say('');
  return runSystem() === 0 && right();
}

function runSystemOnce(args: readonly string[]): number | null {
  const main = join(import.meta.dirname, '../app/main.ts');
  const directory = mkdtempSync(join(tmpdir(), 'helseid-cross-zone-'));
  const given = [main, '--once', '--directory', directory, ...args];
  try {
    return spawnSync(process.execPath, given, { stdio: 'inherit' }).status;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A port that nobody has now: the program listens on it when somebody logs in. */
async function freePort(): Promise<string> {
  const server = await listen(() => {});
  await server.close();
  return new URL(server.url).port;
}

async function main(args: string[]): Promise<number> {
  const ports = { port: { type: 'string' }, 'stand-in-port': { type: 'string' } } as const;
  const options = { ...DECLARATION_OPTIONS, ...ports };
  const { values, positionals, given } = readArguments({ args, options, allowPositionals: true });
  const { declaration, stage, ...named } = values;
  const [name = '', ...more] = positionals;
  if (more.length > 0) throw new ZonesError('config_invalid', `One pattern at a time. ${USAGE}`);
  const [said] = given;
  if (Object.hasOwn(PATTERNS, name) && said !== undefined)
    throw new ZonesError('config_invalid', `--${said} says nothing to ${name}. ${USAGE}`);
  if (name !== 'cross-zone') return (await runPattern(name, print)) ? 0 : 1;
  const own = Object.entries({ declaration, stage, ...named }).flatMap(([option, value]) =>
    value === undefined ? [] : [`--${option}`, value],
  );
  const system = await loadSystem(declaration, stage);
  return (await runCrossZone(system, print, () => runSystemOnce(own))) ? 0 : 1;
}

if (import.meta.main) await runCommand(main, { usage: USAGE });
