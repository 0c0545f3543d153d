import { findKeyMaterial, type KeyMaterial } from '../../assembly/contents/find-key-material.ts';
import { readAsset } from '../../assembly/contents/read-asset.ts';
import { objectOf } from '../../assembly/json.ts';
import { showUnknown } from '../../assembly/unknown.ts';
import { isOther } from '../actors.ts';
import { readOthers } from '../others.ts';
import type { Rule, Violation } from '../rule.ts';

/** A dynamic reference that is no plain parameter, or may be none: a deploy would write a secret where everybody who sees the resource reads it. */
const SECRET = /(?<=[{<>])resolve:(?!ssm:(?!\/aws\/reference\/))|\{\{[\w:-]*(?:<|\}+>)/;

/** Where a deploy takes parts of expressions from, and the beginning of a reference in such a part. */
const PARTS = /^(?:deployment\.parameters|Mappings|Parameters)\./;
const BEGUN = /\{[\w:-]*$/;

/** What is between the parts of an expression that only the deploy puts together. */
const BETWEEN = /["\\,[\]]/g;

/** Characters below which no text holds a key: 256 bits, even as they are. */
const SHORTEST = 32;

/** Templates, what is deployed with them and assets hold no key material, and have none put into them by a deploy. */
export const noKeyMaterial: Rule = {
  name: 'no-key-material',
  invariant: 'I6',
  title:
    'No template, parameter, tag, output or asset holds key material, and no deploy writes a secret into one.',
  check: ({ assembly, declaration }) => {
    // What stands beside the resources of another team's stack goes by its name.
    const { others, isRead } = readOthers(assembly, declaration);
    const names = assembly.resources.map(({ logicalId }) => logicalId);
    const paths = assembly.resources.map(({ constructPath }) => constructPath);
    // CDK and CloudFormation make names up from logical ids, which end in a hash, and tag with construct paths.
    const isMadeUp = (text: string) =>
      names.some((name) => text.includes(name)) || paths.some((path) => path.startsWith(text));
    const findWithin = (resource: string, value: unknown, field = '') => {
      const texts = stringsWithin(value, field);
      // Mostly there is nothing in any: all are looked at together first, kept apart by what belongs to no encoding.
      const all = texts.map(([at, text]) => `${at}: ${text}`).join('\x01');
      const forms = search(all, false).length > 0;
      return texts.flatMap(([at, text, isJoined = false]) => [
        ...(text.length < SHORTEST || (isJoined && !forms) ? [] : search(`${at}: ${text}`, !isJoined, forms))
          .filter((found) => found.kind !== 'high entropy' || (found.at >= at.length && !isMadeUp(text)))
          .slice(0, 1)
          .map((found) => violation(resource, at, found)),
        ...(!isJoined &&
        ((SECRET.test(showUnknown(text).replace(BETWEEN, '')) && (!others.has(resource) || isRead(text))) ||
          (PARTS.test(at) && BEGUN.test(text)))
          ? [secret(resource, at, 'has a deploy write a secret, which everybody reads who sees the resource')]
          : []),
      ]);
    };
    // Resolved, for what is in parts; else as written, for a branch that this deploy does not take.
    const findInEither = (resource: string, resolved: unknown, written: unknown, field = '') => {
      const found = findWithin(resource, resolved, field);
      return found.length > 0 ? found : findWithin(resource, written, field);
    };
    return [
      ...assembly.stacks.flatMap(({ template: { Resources, ...written }, ...stack }) => [
        ...Object.entries(objectOf(Resources)).flatMap(([id, definition]) => {
          const found = assembly.resources.find((one) => one.stack === stack.name && one.logicalId === id);
          return findInEither(
            found?.constructPath ?? `${stack.name}/${id}`,
            found?.properties,
            definition,
            id,
          );
        }),
        ...findInEither(stack.name, stack.sections, written),
        ...findWithin(stack.name, stack.deployment, 'deployment'),
        ...Object.entries(isOther(declaration, stack) ? {} : objectOf(written.Parameters)).flatMap(
          ([id, parameter]) =>
            String(objectOf(parameter).NoEcho) === 'true'
              ? [secret(stack.name, id, 'is a secret (NoEcho) that whoever deploys must have')]
              : [],
        ),
      ]),
      ...assembly.resources.flatMap(({ assetPath, constructPath }) =>
        (assetPath === undefined ? [] : readAsset(assetPath)).flatMap((file) =>
          search(file.text, file.name.endsWith('.json'))
            .slice(0, 1)
            .map((found) => violation(constructPath, `asset file ${file.name}`, found)),
        ),
      ),
    ];
  },
};

/** What was found in texts that were read before, by what counted: functions share most of theirs, and stacks are read more than once. */
const searched = Array.from({ length: 4 }, () => new Map<string, readonly KeyMaterial[]>());

function search(text: string, entropy: boolean, forms = true): readonly KeyMaterial[] {
  const known = searched[Number(entropy) + 2 * Number(forms)];
  const found = known?.get(text) ?? findKeyMaterial(text, { entropy, forms });
  known?.set(text, found);
  return found;
}

function violation(resource: string, field: string, { kind, at }: KeyMaterial): Violation {
  return {
    resource,
    about: [field],
    message: `${field} holds what looks like key material (${kind}, at character ${at}).`,
    path: [resource, field, kind],
    remedy: 'Remove it, and treat the key as known to others. Keys are made in KMS and never leave it.',
  };
}

function secret(resource: string, field: string, what: string): Violation {
  return {
    resource,
    about: [field],
    message: `${field} ${what}.`,
    path: [resource, 'a deploy', 'a secret'],
    remedy: 'Give a function the secret’s ARN, and let it read the secret when it runs.',
  };
}

type Place = [at: string, text: string, isJoined?: boolean];

/**
 * Every text in a value, names of members too, with the path that leads to it; all together too, of lists of numbers and of short texts,
 * of a text that is such a list, and of an object.
 */
function stringsWithin(value: unknown, field: string): Place[] {
  if (typeof value === 'string') {
    const joined = value.replace(/[,|;]\s*/g, '');
    const whole: Place = [field, value];
    return joined === value ? [whole] : [whole, [field, joined, true]];
  }
  if (Array.isArray(value)) {
    const items = value.flatMap((item, index) => stringsWithin(item, `${field}[${index}]`));
    const isWhole =
      value.length > 1 && value.every((one) => typeof one !== 'object' && String(one).length < 40);
    return isWhole ? [...items, [field, `${value.join(',')} ${value.join('')}`, true]] : items;
  }
  const members = Object.entries(objectOf(value));
  const texts = members.flatMap(([, member]) => (typeof member === 'string' ? member : []));
  const found = members.flatMap(([name, member]) => {
    const below = stringsWithin(member, field === '' ? name : `${field}.${name}`);
    return name.length < 40 ? below : [[`${field}, a name in it`, name] satisfies Place, ...below];
  });
  return texts.length < 2 ? found : [...found, [field, texts.join(''), true]];
}
