import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSystem } from '../../infra/declaration/load.ts';
import { readAssembly } from '../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../infra/proof/assembly/resolve.ts';
import { ACCOUNT, REGION } from '../../local/app/assembly.ts';
import { deriveLocalDeclaration, type LocalPorts } from '../../local/app/declaration.ts';
import { readFunctions } from '../../local/aws/template/resources.ts';

/** Where a release lies: its version, and the commit that its tag names. */
export interface Release {
  version: string;
  commit: string;
}

const WORKSPACES = ['protocol', 'client', 'infra'];

/** Whether the history that is here has a release. */
export function isHere(root: string, { commit }: Release): boolean {
  try {
    execFileSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: root, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Takes a release's files out of the history, and gives them dependencies: those that are here, or their own where these differ. */
export function takeOut(root: string, { commit }: Release, folder: string): void {
  const archive = join(folder, 'release.tar');
  execFileSync('git', ['archive', '--output', archive, commit], { cwd: root });
  execFileSync('tar', ['-xf', archive, '-C', folder]);
  const lock = (of: string) => readFileSync(join(of, 'package-lock.json'), 'utf8');
  if (lock(folder) !== lock(root) || !existsSync(join(root, 'node_modules'))) {
    execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: folder, stdio: 'inherit' });
    return;
  }
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@helseid-zones'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== '@helseid-zones') symlinkSync(join(root, 'node_modules', name), join(modules, name));
  for (const name of WORKSPACES) symlinkSync(join(folder, name), join(modules, '@helseid-zones', name));
}

/**
 * The previous release's declaration, as today's code reads it. Only where it imports from differs, as in a clone that was updated.
 * @returns its file
 */
export function keepDeclaration(root: string, folder: string): string {
  const kept = join(root, '.build', 'upgrade');
  mkdirSync(kept, { recursive: true });
  const file = join(kept, 'zones.ts');
  const source = readFileSync(join(folder, 'zones.ts'), 'utf8');
  writeFileSync(file, source.replaceAll("'./infra/", "'../../infra/"));
  return file;
}

/**
 * Synthesizes a release by its own code, for the stand-ins at these ports.
 * @returns the folder of each function's asset, by the function's name
 */
export async function bundle(
  folder: string,
  declaration: string,
  ports: LocalPorts,
): Promise<ReadonlyMap<string, string>> {
  const system = await loadSystem(declaration, undefined);
  const { places } = deriveLocalDeclaration(system, ports);
  const source = places.reduce(
    (text, { kind, name, url }) => {
      const declared = kind === 'api' ? (system.apis[name]?.baseUrl ?? name) : name;
      return text.replaceAll(`'${declared}'`, `'${url}'`);
    },
    readFileSync(join(folder, 'zones.ts'), 'utf8'),
  );
  writeFileSync(join(folder, 'local.zones.ts'), source);
  // What a library promises, and nothing inside it.
  const script = `
    import { buildApp } from './infra/index.ts';
    import system from './local.zones.ts';
    const options = { account: '${ACCOUNT}', region: '${REGION}', outdir: 'assembly', checkTemplates: false };
    buildApp(system, options).synth();`;
  writeFileSync(join(folder, 'synthesize.ts'), script);
  execFileSync(process.execPath, ['synthesize.ts'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  const assembly = resolveAssembly(readAssembly(join(folder, 'assembly')), {
    account: ACCOUNT,
    region: REGION,
  });
  return new Map(readFunctions(assembly).map(({ name, codeDirectory }) => [name, codeDirectory]));
}
