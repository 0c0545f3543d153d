import { isDeepStrictEqual } from 'node:util';
import { type AssetFile, cdkHashOf, readAsset, sha256 } from '../assembly/contents/read-asset.ts';
import type { Assembly, Upload } from '../assembly/read-assembly.ts';
import { memory } from '../assembly/remembered.ts';

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

/** Keys by what was read and its packaging; none is empty. */
const keys = memory<readonly AssetFile[], string>();

/** The key that the CDK gives to a folder of code, or to a template; no key of any other file. */
function keyOf(path: string, packaging: string): string {
  const files = readAsset(path);
  return keys(files, packaging, () => {
    const [{ name, text } = { name: '', text: '' }] = files;
    if (packaging === 'zip') return name === '' ? '' : `${cdkHashOf(files)}.zip`;
    return name === '' ? `${sha256(Buffer.from(text, 'latin1'))}.json` : '';
  });
}
