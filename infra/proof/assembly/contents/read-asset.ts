import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';

/** A file of an asset. */
export interface AssetFile {
  /** Path inside the asset. */
  name: string;
  text: string;
}

const cache = new Map<string, readonly AssetFile[]>();

/**
 * The files of an asset, a folder or a single file, in a stable order. An asset's name is the hash of its contents, but an
 * assembly may have been edited by hand, so what is remembered is remembered for one size and time of change.
 * Archives are read as they are, not unpacked.
 * @throws {ZonesError} assembly_invalid: it can't be read
 */
export function readAsset(path: string): readonly AssetFile[] {
  try {
    const files = listFiles(path);
    const key = files.map((file) => `${file}:${statSync(file).size}:${statSync(file).mtimeMs}`).join('\n');
    const known = cache.get(key);
    if (known) return known;
    const read = files.map((file) => ({
      name: file === path ? '' : relative(path, file),
      text: readFileSync(file, 'latin1'),
    }));
    cache.set(key, read);
    return read;
  } catch (cause) {
    throw new ZonesError(
      'assembly_invalid',
      `The asset ${path} can't be read. Run \`npm run synth\` again.`,
      { cause },
    );
  }
}

function listFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
