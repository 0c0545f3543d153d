import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TemplateFunction } from '../template/resources.ts';

/** What the local system runs a function with. */
export type Program = { command: string; args: readonly string[] };

/** Whether nothing runs a function here; a function without a program is run by Node.js. */
export function isMissing(program: Program | Missing | undefined): program is Missing {
  return program !== undefined && 'missing' in program;
}

/** What runs a function and is not here. */
type Missing = { missing: string };

/** Code of a function, as its template has it. */
type Code = Pick<TemplateFunction, 'runtime' | 'handler' | 'codeDirectory'>;

const BOOTSTRAP = fileURLToPath(new URL('./bootstrap.py', import.meta.url));

/** AWS's runtime for Java, which is on Lambda and nowhere else. */
const CLIENT = 'aws-lambda-java-runtime-interface-client';

/** A key store without private keys, which needs one all the same. */
const STORE_PASSWORD = 'changeit';

/**
 * The program that a function in another language than Node.js is run by, or what is missing for it. It finds the Runtime API, its
 * handler and its credentials in the environment, as on AWS. Runs Python by a loop of this system's, `provided` by the function's own
 * `bootstrap`, and Java by AWS's runtime interface client, which the function brings in `lib/`; the version is that of this machine.
 *
 * @param path `PATH` of this machine
 * @param caFile certificate file of the local CA
 */
export function programOf(
  { runtime, handler, codeDirectory }: Code,
  { path = '', caFile }: { path?: string | undefined; caFile: string | undefined },
): Program | Missing {
  const find = (program: string, args: () => readonly string[]) => {
    const command = path
      .split(delimiter)
      .map((folder) => join(folder, program))
      .find(existsSync);
    return command ? { command, args: args() } : { missing: `${program} is missing` };
  };
  if (runtime.startsWith('python')) return find('python3', () => ['-u', '-B', BOOTSTRAP]);
  if (runtime.startsWith('provided')) return { command: join(codeDirectory, 'bootstrap'), args: [] };
  if (!runtime.startsWith('java')) return { missing: `what runs ${runtime} is missing` };
  const lib = join(codeDirectory, 'lib');
  const brought = existsSync(lib) && readdirSync(lib).some((file) => file.startsWith(CLIENT));
  if (!brought) return { missing: `${CLIENT} is missing in lib/ of its code` };
  return find('java', () => {
    return [
      ...(caFile ? trustOptions(caFile, path) : []),
      '-XX:TieredStopAtLevel=1',
      '-cp',
      [codeDirectory, join(lib, '*')].join(delimiter),
      'com.amazonaws.services.lambda.runtime.api.client.AWSLambda',
      handler,
    ];
  });
}

/** Java reads no PEM: its own tool makes a key store of the CA, beside it. */
function trustOptions(caFile: string, PATH: string): string[] {
  const store = `${caFile}.p12`;
  const into = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', STORE_PASSWORD];
  if (!existsSync(store) || statSync(store).mtimeMs < statSync(caFile).mtimeMs) {
    rmSync(store, { force: true });
    spawnSync('keytool', ['-importcert', '-noprompt', '-alias', 'local', '-file', caFile, ...into], {
      env: { PATH },
    });
  }
  return [`-Djavax.net.ssl.trustStore=${store}`, `-Djavax.net.ssl.trustStorePassword=${STORE_PASSWORD}`];
}
