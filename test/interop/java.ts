import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Peer } from './openid-client.ts';

const SOURCE = 'https://github.com/NorskHelsenett/HelseID.Library.Java';
const PROGRAM = fileURLToPath(new URL('./GetToken.java', import.meta.url));

/**
 * Builds NHN's Java library from its public source and gets a token with it. The source is the folder that `HELSEID_JAVA` names,
 * or cloned. Resolves to what is missing where it can't be built or run here; throws where the library gets no token.
 */
export async function getTokenWithJava(
  peer: Peer,
  caFile: string,
  directory: string,
): Promise<string | { missing: string }> {
  for (const [tool, flag] of [
    ['java', '-version'],
    ['keytool', '-help'],
    ['mvn', '-version'],
  ] as const)
    if (run(tool, [flag]).error !== undefined)
      return { missing: `${tool} (a JDK of 17 or newer, and Maven)` };
  const source = process.env['HELSEID_JAVA'] ?? join(directory, 'source');
  if (!existsSync(source)) {
    const cloned = run('git', ['clone', '--depth', '1', SOURCE, source]);
    if (cloned.status !== 0)
      return { missing: `its source; clone ${SOURCE} and name the folder in HELSEID_JAVA` };
  }
  const goals = ['package', 'dependency:copy-dependencies', '-DincludeScope=runtime', '-DskipTests'];
  const built = run('mvn', ['-q', '-B', '-f', join(source, 'pom.xml'), '-pl', 'client', '-am', ...goals]);
  if (built.status !== 0) return { missing: `a build of it; Maven says:\n${built.stdout.slice(-1000)}` };
  const store = join(directory, 'trust.p12');
  const trust = ['-importcert', '-noprompt', '-alias', 'local', '-file', caFile, '-storepass', 'changeit'];
  run('keytool', [...trust, '-storetype', 'PKCS12', '-keystore', store]);
  const target = join(source, 'client', 'target');
  const classes = [
    join(target, 'classes'),
    join(source, 'common', 'target', 'classes'),
    join(target, 'dependency', '*'),
  ];
  return getToken(peer, ['-cp', classes.join(delimiter), `-Djavax.net.ssl.trustStore=${store}`]);
}

/** The stand-in is served by this process, so Java must not be waited for synchronously. */
async function getToken({ issuer, clientId, scope, key }: Peer, options: readonly string[]): Promise<string> {
  const env = { ...process.env, JWK: JSON.stringify(key) };
  const args = [...options, '-Djavax.net.ssl.trustStorePassword=changeit', PROGRAM, issuer, clientId, scope];
  const child = spawn('java', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, error] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (error += chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(error.trim().slice(-1000));
  return out.trim();
}

function run(command: string, args: readonly string[]) {
  return spawnSync(command, args, { encoding: 'utf8', timeout: 600_000 });
}
