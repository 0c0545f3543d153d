import { isDeepStrictEqual } from 'node:util';
import { type AssetFile, cdkHashOf, readAsset, sha256 } from '../assembly/contents/read-asset.ts';
import type { Assembly, Upload } from '../assembly/read-assembly.ts';

/**
 * What of an upload before a deploy is not what was read, in words. A key is the hash of what is uploaded: a deploy uploads nothing
 * where the bucket has the key already, so a file under another one would never be what runs.
 * @throws {ZonesError} assembly_invalid: a file can't be read
 */
export function problemsOfUpload(upload: Upload, { stacks }: Assembly): string[] {
  const { key, path, destination } = upload;
  const destinations = stacks.flatMap(({ uploads = [] }) => uploads.map((one) => one.destination));
  return [
    ...(destinations.some((one) => isDeepStrictEqual(one, destination))
      ? []
      : [`uploads ${key} to another bucket, or by another role, than the CDK's own synthesis names`]),
    ...(path === undefined || !['zip', 'file'].includes(upload.packaging)
      ? [`has ${key} made while it is deployed, which nobody has read`]
      : key === keyOf(path, upload.packaging)
        ? []
        : [`uploads ${key}, whose name is not the hash of its content`]),
  ];
}

/** Keys of what was read before, each with its packaging. */
const known = new WeakMap<readonly AssetFile[], Map<string, string | undefined>>();

/** The key that the CDK gives to a folder of code, or to a template; no key of any other file. */
function keyOf(path: string, packaging: string): string | undefined {
  const files = readAsset(path);
  const keys = known.get(files) ?? new Map();
  known.set(files, keys);
  if (!keys.has(packaging)) keys.set(packaging, computeKey(files, packaging));
  return keys.get(packaging);
}

function computeKey(files: readonly AssetFile[], packaging: string): string | undefined {
  const [{ name, text } = { name: 'none', text: '' }] = files;
  if (packaging === 'zip') return name === '' ? undefined : `${cdkHashOf(files)}.zip`;
  return name === '' ? `${sha256(Buffer.from(text, 'latin1'))}.json` : undefined;
}
