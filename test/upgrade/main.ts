/**
 * An upgrade with keys in use, on the local system: the previous release's functions and today's, each bundled by their own code, sign
 * for each other over one client record, one table of sessions and one bus. The stand-ins' servers, which share no code with what
 * signs, verify it all. Environments are those of today's templates, from the previous release's `zones.ts`.
 *
 * `--golden` also writes down what the previous release has stored, for test/golden/stored.test.ts.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runSteps } from '../../local/app/once.ts';
import { proofOutsideGrantRefused } from '../../local/app/steps/denials.ts';
import { eventToApi, gatewayToApi } from '../../local/app/steps/entries.ts';
import { loginFacts, newVisitor } from '../../local/app/steps/log-in.ts';
import { loginToApi, logoutEndsSession, refreshKeepsSession } from '../../local/app/steps/login-steps.ts';
import { replayedProofRefused } from '../../local/app/steps/protected-calls.ts';
import { rotationUnderLoad } from '../../local/app/steps/rotation.ts';
import { startSystem } from '../../local/app/system.ts';
import { reportMissing } from '../missing.ts';
import { freePorts } from '../ports.ts';
import { describeStored, openDocuments } from './kept.ts';
import { bundle, isHere, keepDeclaration, type Release, takeOut } from './prepare.ts';

const { values } = parseArgs({
  options: {
    golden: { type: 'boolean', default: false },
  },
});
const root = resolve(import.meta.dirname, '../..');
const release: Release = JSON.parse(readFileSync(join(import.meta.dirname, 'previous.json'), 'utf8'));
const called = `${release.version} (${release.commit.slice(0, 7)})`;
if (!isHere(root, release)) {
  reportMissing('an upgrade', `${called} in this clone's history (git fetch --unshallow)`);
  process.exit();
}

/** A function whose signer is one more release ahead: the steps must notice it. */
const AHEAD = `export const handler = async () => ({
  error: { code: 'version_unknown', message: 'Deploy.', facts: { version: 2 } },
});`;

/** What is asked of each mix: everything that signs, and what must not be signed. */
const STEPS = [
  eventToApi,
  gatewayToApi,
  loginToApi,
  refreshKeepsSession,
  logoutEndsSession,
  proofOutsideGrantRefused,
  replayedProofRefused,
  rotationUnderLoad,
];

let passed = 0;
const failures: string[] = [];
async function check(what: string, run: () => unknown): Promise<void> {
  try {
    await run();
    passed += 1;
    console.log(`ok      ${what}`);
  } catch (error) {
    failures.push(what);
    console.log(`FAILED  ${what}: ${(error as Error).message}`);
  }
}

const directory = mkdtempSync(join(tmpdir(), 'zones-upgrade-'));
try {
  const folder = join(directory, 'previous');
  mkdirSync(folder);
  takeOut(root, release, folder);
  const declarationFile = keepDeclaration(root, folder);
  const ports = await freePorts();
  console.log(`bundling ${called} by its own code`);
  const previous = await bundle(folder, declarationFile, ports);
  const system = await startSystem({
    declarationFile,
    standIn: true,
    ports,
    directory: join(directory, 'local'),
    fresh: true,
    onProgress: console.log,
  });
  try {
    await upgrade(system, previous);
  } finally {
    await system.close();
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
console.log(`\n${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function upgrade(
  system: Awaited<ReturnType<typeof startSystem>>,
  previous: ReadonlyMap<string, string>,
): Promise<void> {
  const { functions, pool } = system.aws;
  const signs = (name: string) => name.startsWith(`${system.declaration.name}-signer-`);
  const today = new Map(functions.map(({ name }) => [name, join(directory, 'today', name)]));
  for (const { name, codeDirectory } of functions)
    cpSync(codeDirectory, today.get(name) ?? '', { recursive: true });
  const codeOf = (from: ReadonlyMap<string, string>, name: string) =>
    readFileSync(join(from.get(name) ?? '', 'index.mjs'), 'utf8');

  /** Deploys signers of one release and everything else of another. */
  async function deploy(signers: ReadonlyMap<string, string>, zones: ReadonlyMap<string, string>) {
    await Promise.all(functions.map(({ name }) => pool.idle(name)));
    for (const { name, codeDirectory } of functions)
      cpSync((signs(name) ? signers : zones).get(name) ?? '', codeDirectory, { recursive: true });
    await pool.recycle();
  }

  await check('both releases have the same functions, and other signers', () => {
    assert.deepEqual([...previous.keys()].sort(), [...today.keys()].sort());
    for (const name of today.keys())
      if (signs(name)) assert.notEqual(codeOf(previous, name), codeOf(today, name));
  });

  const facts = loginFacts(system);
  if (values.golden) {
    await deploy(previous, previous);
    await rotationUnderLoad.run(system);
    const [visitor, other] = [newVisitor(facts), newVisitor(facts)];
    await visitor.mustLogIn();
    await visitor.ask(facts.api, 200, 'a call');
    const stored = await describeStored(system, visitor, other, join(directory, 'previous'));
    const file = join(root, 'test', 'golden', 'stored.json');
    writeFileSync(file, `${JSON.stringify({ ...release, ...stored }, null, 1)}\n`);
    console.log(`wrote ${file}`);
    return;
  }
  const documents = openDocuments(system);
  const mixes = [
    ['all of it of the previous release', previous, previous],
    ["today's signers, the previous release's zones", today, previous],
    ["the previous release's signers, today's zones", previous, today],
    ["all of it today's", today, today],
    ['all of it of the previous release again', previous, previous],
  ] as const;
  /** Logged in under the mix before, and before that. */
  const visitors: { visitor: ReturnType<typeof newVisitor>; since: string }[] = [];
  for (const [mix, signers, zones] of mixes) {
    await deploy(signers, zones);
    const visitor = newVisitor(facts);
    await check(`${mix}: somebody logs in`, () => visitor.mustLogIn());
    visitors.push({ visitor, since: mix });
    for (const { visitor: kept, since } of visitors)
      await check(`${mix}: a session that began with ${since} goes on`, async () => {
        await kept.session(200, 'after the deploy');
        await kept.ask(facts.api, 200, 'a call');
      });
    await check(`${mix}: a document is submitted, and those from before are not again`, documents.sendAll);
    const { steps } = await runSteps(system, STEPS);
    for (const { name, ok, detail } of steps) await check(`${mix}: ${name}`, () => assert.ok(ok, detail));
  }

  await deploy(today, today);
  for (const { name, codeDirectory } of functions)
    if (signs(name)) writeFileSync(join(codeDirectory, 'index.mjs'), AHEAD);
  await pool.recycle();
  await check('a signer that knows no format of its zone is noticed by these steps', () =>
    assert.rejects(gatewayToApi.run(system)),
  );
}
