import { hash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';

/** A file of an asset. */
export interface AssetFile {
  /** Path inside the asset. */
  name: string;
  text: string;
  /** Type and permissions, of a link those of what it leads to. */
  mode: number;
  /** Where it leads, of a link. */
  link: string | undefined;
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
    const files = listFiles(path).map((file) => {
      const { size, mtimeMs, mode } = statSync(file);
      const link = lstatSync(file).isSymbolicLink() ? readlinkSync(file) : undefined;
      return { file, size, mtimeMs, mode, link };
    });
    const key = JSON.stringify(files);
    const known = cache.get(key);
    if (known) return known;
    const read = files.map(({ file, mode, link }) => ({
      name: file === path ? '' : relative(path, file).replaceAll(sep, '/'),
      text: readFileSync(file, 'latin1'),
      mode,
      link,
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
 * SHA-256 of what the CDK zips of a folder: the name and content of each file, of a link those of what it leads to, and its mode; nothing of
 * folders. Of the mode what no umask decides, so that two machines come to the same.
 */
export function zipDigestOf(files: readonly AssetFile[]): string {
  const modes = files.map(({ name, mode }) => `${name} ${mode & 0o7700}`);
  return sha256(Buffer.from([digestOf(files), ...modes].join('\n')));
}

/**
 * The hash by which the CDK names a folder with these files: a deploy does not upload what is in the bucket by that name already.
 * As `FileSystem.fingerprint` of aws-cdk-lib, without its cache on the disk, where no link leads out of the folder: a synth copies what
 * one leads to, since it may be another by the time of the deploy.
 */
export function cdkHashOf(files: readonly AssetFile[]): string {
  // Folder by folder, each sorted by name.
  const key = ({ name }: AssetFile) => name.replaceAll('/', '\0');
  const sorted = files.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  const fields = sorted.map(({ name, text, link }) => {
    if (link !== undefined) return [`link:${name}`, link];
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
