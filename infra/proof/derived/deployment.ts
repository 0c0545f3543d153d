import { isDeepStrictEqual } from 'node:util';
import { type AssetFile, cdkHashOf, readAsset, sha256 } from '../assembly/contents/read-asset.ts';
import type { Assembly, AssemblyStack, Upload } from '../assembly/read-assembly.ts';
import { memory } from '../assembly/remembered.ts';

/** Of how a stack is deployed, what is its own. */
const OWN_DEPLOYMENT = ['additionalDependencies', 'parameters', 'stackName', 'stackTags', 'tags'];

/** In words, what of a stack that is added is deployed otherwise than those of the system: where, by whose roles, whom it notifies, what it replaces. */
export function problemsOfDeployment(stack: AssemblyStack, { stacks }: Assembly): string[] {
  const known = stacks.flatMap(membersOf);
  return [
    ...membersOf(stack)
      .filter((one) => !known.includes(one))
      .map((one) => `is deployed with another ${one} than the system's stacks`),
    ...(stacks.some(({ account }) => account === stack.account)
      ? []
      : [`is for account ${stack.account ?? 'unknown'}, where no stack of the system is`]),
    ...(/^CDKToolkit$/i.test(stack.name)
      ? ['has the name of the CDK’s own stack, which it would replace']
      : []),
  ];
}

/** The members of a deployment, each with its value, without the place. */
function membersOf({ account, region, deployment = {} }: AssemblyStack): string[] {
  return Object.entries(deployment)
    .filter(([member]) => !OWN_DEPLOYMENT.includes(member))
    .map(([member, value]) =>
      `${member} ${JSON.stringify(value)}`
        .replaceAll(account ?? '${AWS::AccountId}', '*')
        .replaceAll(region ?? '${AWS::Region}', '*'),
    );
}

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

/** By what was read and its packaging. */
const keys = memory<readonly AssetFile[], string | undefined>();

/** The key that the CDK gives to a folder of code, or to a template; none to a folder with nothing in it, or a file that is to be a folder. */
function keyOf(path: string, packaging: string): string | undefined {
  const files = readAsset(path);
  return keys(files, packaging, () => {
    const [first] = files;
    if (first === undefined || (packaging === 'zip') === (first.name === '')) return undefined;
    return packaging === 'zip'
      ? `${cdkHashOf(files)}.zip`
      : `${sha256(Buffer.from(first.text, 'latin1'))}.json`;
  });
}
