import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { type CodeFile, writeFolder } from './bundling.ts';
import type { ForeignCode } from './declaration/runtimes.ts';

/**
 * Code in other languages, which is deployed as it lies. A zip is unpacked, so that the proof reads the files in it.
 * @module
 */

/**
 * Copies the code of a function into a folder below `parent`, for `Code.fromAsset`. Does not build it, nor look into archives
 * within it.
 * @throws {ZonesError} config_invalid: there is no such folder or zip, it is empty, lacks the file that the handler names,
 * or has what is hidden or leads out of it
 */
export function copyCode(parent: string, name: string, { path, runtime, handler }: ForeignCode): string {
  const say = (what: string) =>
    new ZonesError(
      'config_invalid',
      `${path}, the code of ${name}, ${what}: build it, or say in zones.ts where it is.`,
    );
  if (!existsSync(path)) throw say('is missing');
  const isZip = !statSync(path).isDirectory();
  if (isZip && !path.endsWith('.zip')) throw say('is neither a folder nor a .zip');
  const files = isZip ? readZip(readFileSync(path)) : readFolder(path, say);
  if (files === undefined) throw say('is no zip that can be read (ZIP64 and encryption are not known)');
  const hidden = files.find(([file]) => /(?:^|\/)\./.test(file));
  if (hidden) throw say(`has ${hidden[0]} in it, which is hidden and would be deployed`);
  const first = runtime.startsWith('python')
    ? `${handler.split('.').slice(0, -1).join('.').replaceAll('.', '/')}.py`
    : runtime.startsWith('provided')
      ? handler
      : files[0]?.[0];
  if (!files.some(([file]) => file === first))
    throw say(`has no ${first ?? 'files'}, where ${handler} begins`);
  return writeFolder(parent, name, files);
}

/** The files of a folder. Refuses a link that leads out of it: what is there would be deployed unseen. */
function readFolder(path: string, say: (what: string) => ZonesError): CodeFile[] {
  const root = realpathSync(path);
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => {
      const name = relative(path, file);
      if (!`${realpathSync(file)}${sep}`.startsWith(`${root}${sep}`))
        throw say(`has a link in it that leads out of it, ${name}`);
      return statSync(file).isFile() && !/(?:^|[\\/])__pycache__[\\/]/.test(file);
    })
    .sort()
    .map((file) => [relative(path, file).split(sep).join('/'), readFileSync(file), statSync(file).mode]);
}

/** The files of a zip (PKWARE APPNOTE 4.3), stored or deflated; undefined where it is not of that form, or leads out of its folder. */
export function readZip(zip: Buffer): CodeFile[] | undefined {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) return undefined;
  const files: CodeFile[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (at + 46 > zip.length || zip.readUInt32LE(at) !== 0x02014b50) return undefined;
    const flags = zip.readUInt16LE(at + 8);
    const method = zip.readUInt16LE(at + 10);
    const size = zip.readUInt32LE(at + 20);
    const nameEnd = at + 46 + zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, nameEnd);
    const local = zip.readUInt32LE(at + 42);
    if (flags & 1 || ![0, 8].includes(method) || /(?:^|[\\/])\.\.(?:[\\/]|$)|^[\\/]|:/.test(name))
      return undefined;
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const packed = zip.subarray(start, start + size);
    const mode = (zip.readUInt32LE(at + 38) >>> 16) & 0o777;
    if (!name.endsWith('/'))
      files.push([name, method === 0 ? packed : inflateRawSync(packed), mode || 0o644]);
    // Behind the extra field and the comment.
    at = nameEnd + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return files;
}
