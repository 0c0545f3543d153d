import { hash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
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
 * assembly may have been edited by hand ({@link cdkHashOf}), so what is remembered is remembered for one size and time of change.
 * Archives are read as they are, not unpacked.
 * @throws {ZonesError} assembly_invalid: it can't be read
 */
export function readAsset(path: string): readonly AssetFile[] {
  try {
    const files = listFiles(path);
    const key = files
      .map((file) => ({ file, ...statSync(file) }))
      .map(({ file, size, mtimeMs }) => `${file}:${size}:${mtimeMs}`)
      .join('\n');
    const known = cache.get(key);
    if (known) return known;
    const read = files.map((file) => ({
      name: file === path ? '' : relative(path, file).replaceAll(sep, '/'),
      text: readFileSync(file, 'latin1'),
    }));
    cache.set(key, read);
    return read;
  } catch (cause) {
    const message = `The asset ${path} can't be read. Run \`npm run synth\` again.`;
    throw new ZonesError('assembly_invalid', message, { cause });
  }
}

/**
 * SHA-256 of what was read, in hex: what `find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum` prints in the
 * folder. It is the commitment to an asset; the CDK's own hash takes some different texts for the same.
 */
export function digestOf(files: readonly AssetFile[]): string {
  const line = ({ name, text }: AssetFile) => `${sha256(Buffer.from(text, 'latin1'))}  ${name}\n`;
  const sorted = files.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  return sha256(Buffer.from(sorted.map(line).join('')));
}

/**
 * The hash by which the CDK names a folder with these files: a deploy does not upload what is in the bucket by that name already.
 * As `FileSystem.fingerprint` of aws-cdk-lib for folders without links; of what was read here, without its cache on the disk.
 */
export function cdkHashOf(files: readonly AssetFile[]): string {
  // Folder by folder, each sorted by name.
  const key = ({ name }: AssetFile) => name.replaceAll('/', '\0');
  const sorted = files.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  const fields = sorted.map(({ name, text }) => {
    const content = normalized(Buffer.from(text, 'latin1'));
    return [`file:${name}`, `${content.length}:${sha256(content)}`];
  });
  const all = [['options.extra', ''], ['options.follow', 'external'], ...fields];
  return sha256(Buffer.from(all.map(([field, value]) => `\x01${field}\x02${value}\x03`).join('')));
}

/** The CDK reads this many bytes at once, and takes ends of lines for the same unless the first part has a zero. */
const PART = 8192;

function normalized(bytes: Buffer): Buffer {
  if (bytes.subarray(0, PART).includes(0)) return bytes;
  const parts = Array.from({ length: Math.ceil(bytes.length / PART) }, (_, index) =>
    bytes.subarray(index * PART, (index + 1) * PART).toString(),
  );
  return Buffer.from(parts.join('').replaceAll('\r\n', '\n'));
}

/** In hex. */
export function sha256(bytes: Buffer): string {
  return hash('sha256', bytes);
}

function listFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
