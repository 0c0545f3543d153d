import { findKeyMaterial, type KeyMaterial } from '../../assembly/contents/find-key-material.ts';
import { type AssetFile, readAsset } from '../../assembly/contents/read-asset.ts';
import { listOf, objectOf } from '../../assembly/json.ts';
import type { Rule, Violation } from '../rule.ts';

/** Templates and assets hold no key material. */
export const noKeyMaterial: Rule = {
  name: 'no-key-material',
  invariant: 'I6',
  title: 'No template, environment, parameter, output or asset holds key material.',
  check: ({ assembly }) => {
    const names = assembly.resources.map(({ logicalId }) => logicalId);
    const paths = assembly.resources.map(({ constructPath }) => constructPath);
    // CDK and CloudFormation make names up from logical ids, which end in a hash, and tag with construct paths.
    const isMadeUp = (text: string) =>
      names.some((name) => text.includes(name)) || paths.some((path) => path.startsWith(text));
    const findIn = (text: string) =>
      findKeyMaterial(text, { entropy: true }).filter(
        ({ kind }) => kind !== 'high entropy' || !isMadeUp(text),
      );
    const findWithin = (resource: string, value: unknown) =>
      stringsWithin(value, '').flatMap(([field, text]) =>
        findIn(text).map((found) => violation(resource, field, found)),
      );
    return [
      ...assembly.resources.flatMap(({ properties, constructPath }) => findWithin(constructPath, properties)),
      ...assembly.stacks.flatMap(({ name, template }) =>
        [template.Parameters, template.Outputs, template.Mappings, template.Metadata].flatMap((part) =>
          findWithin(name, part),
        ),
      ),
      ...assembly.resources.flatMap(({ assetPath, constructPath }) =>
        (assetPath === undefined ? [] : readAsset(assetPath)).flatMap((file) =>
          findInFile(file).map((found) => violation(constructPath, `asset file ${file.name}`, found)),
        ),
      ),
    ];
  },
};

/** What was found in files that were read before; functions share most of theirs. */
const searched = new WeakMap<AssetFile, readonly KeyMaterial[]>();

function findInFile(file: AssetFile): readonly KeyMaterial[] {
  const found = searched.get(file) ?? findKeyMaterial(file.text, { entropy: file.name.endsWith('.json') });
  searched.set(file, found);
  return found;
}

function violation(resource: string, field: string, { kind, at }: KeyMaterial): Violation {
  return {
    resource,
    message: `${field} holds what looks like key material (${kind}, at character ${at}).`,
    path: [resource, field, kind],
    remedy: 'Remove it, and treat the key as known to others. Keys are made in KMS and never leave it.',
  };
}

function stringsWithin(value: unknown, field: string): [string, string][] {
  if (typeof value === 'string') return [[field, value]];
  if (Array.isArray(value))
    return listOf(value).flatMap((item, index) => stringsWithin(item, `${field}[${index}]`));
  return Object.entries(objectOf(value)).flatMap(([name, member]) =>
    stringsWithin(member, field === '' ? name : `${field}.${name}`),
  );
}
