interface Packages {
  packages: Record<string, { bin?: Record<string, string>; dependencies?: Record<string, string> }>;
}

/** Every package that an install of `manifest` brings with it, by the lockfile; peers are the consumer's. */
export function dependenciesOf(manifest: Record<string, unknown>, { packages }: Packages): string[] {
  const seen = new Set<string>();
  const pending = Object.keys((manifest['dependencies'] ?? {}) as object);
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    pending.push(...Object.keys(packages[`node_modules/${name}`]?.dependencies ?? {}));
  }
  return [...seen];
}

/**
 * Checks what an install of the published package brings with it, by the lockfile: nothing puts a `node`, `npm` or `npx` of its own first
 * in the PATH of the consumer's scripts, nothing is optional, no script of ours runs, and our one command is called after us.
 */
export function requireLeanManifest(manifest: Record<string, unknown>, lock: Packages): void {
  for (const field of ['optionalDependencies', 'scripts', 'devDependencies', 'private'])
    if (field in manifest) throw new Error(`the published manifest holds ${field}`);
  const commands = Object.keys((manifest['bin'] ?? {}) as object).filter((name) => name !== 'helseid-zones');
  if (commands.length > 0) throw new Error(`the published manifest brings ${commands}`);
  for (const name of dependenciesOf(manifest, lock)) {
    const { bin = {} } = lock.packages[`node_modules/${name}`] ?? {};
    const taken = Object.keys(bin).filter((command) => ['node', 'npm', 'npx'].includes(command));
    if (taken.length > 0) throw new Error(`${name} puts ${taken} first in the consumer's scripts`);
  }
}
