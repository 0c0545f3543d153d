/**
 * Hostile input. Most cases are tried in this process, on the very parsers and handlers with doubles that really sign and verify
 * (in-process.ts). Of the rest, bad requests go to every route of the running local system: none may be answered with a 5xx, a
 * stack trace, a path, a token or a cookie on failure, and afterwards everything must work as before. Nothing that is logged or
 * told on the way shows a secret.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gatewayToApi } from '../../local/app/steps/entries.ts';
import { loginToApi } from '../../local/app/steps/login-steps.ts';
import { startSystem } from '../../local/app/system.ts';
import { findLeak } from '../canaries.ts';
import { freePorts } from '../ports.ts';
import { runKinds } from './in-process.ts';
import { judge } from './judge.ts';
import { openEdge } from './open-edge.ts';
import { createRandom } from './random.ts';
import { makeRequest } from './request.ts';
import { searchTrail } from './search.ts';
import { isWhole, type RawAnswer, sendBytes } from './send.ts';

const { values } = parseArgs({
  options: {
    /** All together. */
    cases: { type: 'string', default: '200000' },
    /** Of these through the running system; by default a tenth. */
    requests: { type: 'string' },
    seed: { type: 'string', default: '20261124' },
    /** One kind alone, and the path of a case of it that failed. */
    kind: { type: 'string' },
    path: { type: 'string' },
    directory: { type: 'string' },
  },
});
const CASES = Number(values.cases);
const REQUESTS = values.kind === undefined ? Number(values.requests ?? CASES / 10) : 0;
const seed = Number(values.seed);
/** Requests after which there are new logins to play with. */
const ROUND = 2500;
/** Shown of what failed. */
const SHOWN = 20;

const failures: string[] = [];
const statuses = new Map<number, number>();
let passed = 0;

function record(problem: string | undefined, what: () => string): void {
  if (problem === undefined) passed += 1;
  else failures.push(`${problem}: ${what()}`);
}

async function attempt(
  bytes: Buffer,
  send: () => Promise<RawAnswer>,
  secrets: readonly string[],
): Promise<void> {
  const sent = JSON.stringify(bytes.toString('latin1').slice(0, 1500));
  try {
    const answer = await send();
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    // Logout at the issuer is begun with the ID token in the URL, which judge looks at.
    const silent = answer.status === 0 && isWhole(bytes) ? 'no answer to a whole request' : undefined;
    const leak = findLeak(answer.body.replace(/id_token_hint=[\w.-]+/, ''));
    record(
      silent ?? judge(answer, secrets) ?? (leak && `an answer shows the ${leak}`),
      () => `${sent}\n        ${JSON.stringify(answer.body.slice(0, 300))}`,
    );
  } catch (error) {
    record((error as Error).message, () => sent);
  }
}

async function tryGateway(): Promise<void> {
  const directory = values.directory ?? mkdtempSync(join(tmpdir(), 'zones-fuzz-'));
  const system = await startSystem({
    declarationFile: 'test/two-clients.zones.ts',
    standIn: true,
    ports: await freePorts(),
    directory,
    fresh: true,
  });
  try {
    const refused: string[] = [];
    const reached = new Set<unknown>();
    system.trail.subscribe(({ kind, fields }) => {
      if (kind === 'entry') reached.add(`${fields['method']} ${fields['route']}`);
      if (kind === 'entry' && Number(fields['status']) >= 500)
        refused.push(`${fields['route']} ${fields['refused']}`);
    });
    const search = searchTrail(system, (what) => void failures.push(what));
    const edge = await openEdge(system);
    const secrets = [directory, process.cwd()];
    for (let sent = 0; sent < REQUESTS; sent += ROUND) {
      const ground = await edge.prepare();
      search.again();
      for (const [name, secret] of ground.secrets) search.add(name, secret);
      const each = Math.ceil(Math.min(ROUND, REQUESTS - sent) / edge.routes.length);
      // One request at a time for each function: its process stays warm, and no other has to end for a second one.
      await Promise.all(
        edge.routes.map(async (routes, index) => {
          const random = createRandom(seed + sent + index);
          for (let count = 0; count < each; count += 1) {
            const bytes = await edge.write(makeRequest(random, ground, random.pick(routes)), random);
            await attempt(bytes, () => sendBytes(edge.port, bytes), secrets);
          }
        }),
      );
    }
    await edge.close();
    record(refused.length === 0 ? undefined : 'a 5xx that nobody waited for', () =>
      refused.slice(0, 5).join(', '),
    );
    for (const { httpMethod, resourcePath } of edge.routes.flat())
      record(
        reached.has(`${httpMethod} ${resourcePath}`) ? undefined : 'a route that no request reached',
        () => `${httpMethod} ${resourcePath}`,
      );
    // Requests that nothing understands would prove nothing.
    for (const status of [200, 303, 400, 401, 403])
      record(statuses.has(status) ? undefined : `no answer with ${status}`, () => 'all requests together');
    for (const step of [gatewayToApi, loginToApi])
      record(
        await step.run(system).then(
          () => undefined,
          (error: Error) => error.message,
        ),
        () => `${step.name}, after all this`,
      );
    search.again();
    console.log(`looked for in the trail, each found where it was put: ${search.prove().join(', ')}`);
    await system.close();
    const { tokens, lines } = search.finish();
    console.log(`${lines} lines of log files hold none of ${tokens} sessions, codes and refresh tokens`);
  } finally {
    await system.close();
    if (values.directory === undefined) rmSync(directory, { recursive: true, force: true });
  }
}

const began = performance.now();
const one = values.kind === undefined ? undefined : { kind: values.kind, path: values.path };
const inProcess = await runKinds(CASES - REQUESTS, seed, one);
failures.push(...inProcess.failures);
passed += inProcess.ran - failures.length;
if (REQUESTS > 0) await tryGateway();

for (const failure of failures.slice(0, SHOWN)) console.log(`FAILED  ${failure}`);
const counts = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
console.log(
  `seed ${values.seed}; ${((performance.now() - began) / 1000).toFixed(0)} s; answers by status: ${counts.join(', ')}`,
);
console.log(`\n${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
