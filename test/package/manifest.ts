interface Packages {
  packages: Record<string, { bin?: Record<string, string>; dependencies?: Record<string, string> }>;
}

/**
 * Checks what an install of the published package brings with it, by the lockfile: nothing puts a `node`, `npm` or `npx` of its own first
 * in the PATH of the consumer's scripts, nothing is optional, no script of ours runs.
 */
export function requireLeanManifest(manifest: Record<string, unknown>, { packages }: Packages): void {
  for (const field of ['optionalDependencies', 'scripts', 'devDependencies', 'bin', 'private'])
    if (field in manifest) throw new Error(`the published manifest holds ${field}`);
  const seen = new Set<string>();
  const pending = Object.keys(manifest['dependencies'] as object);
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const { bin = {}, dependencies = {} } = packages[`node_modules/${name}`] ?? {};
    const taken = Object.keys(bin).filter((command) => ['node', 'npm', 'npx'].includes(command));
    if (taken.length > 0) throw new Error(`${name} puts ${taken} first in the consumer's scripts`);
    pending.push(...Object.keys(dependencies));
  }
}
