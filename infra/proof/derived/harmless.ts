import { isDeepStrictEqual } from 'node:util';
import { ZONE_TAG } from '../../declaration/names.ts';
import { isObject, listOf } from '../assembly/json.ts';
import { namedActions } from '../assembly/roles.ts';

/** Differences that weaken nothing, by type (`*`: every type) and property. */
const HARMLESS: readonly {
  type: string;
  property: string;
  fits(found: unknown, expected: unknown): boolean;
}[] = [
  { type: '*', property: 'Description', fits: (found) => typeof found === 'string' && !found.includes('{{') },
  // What is lost can be had back, and is not deleted.
  { type: '*', property: 'DeletionProtectionEnabled', fits: (found) => found === true },
  {
    type: 'AWS::DynamoDB::Table',
    property: 'PointInTimeRecoverySpecification',
    fits: (found) => isDeepStrictEqual(found, { PointInTimeRecoveryEnabled: true }),
  },
  // More tags, of others; those that mark a zone are equal.
  {
    type: '*',
    property: 'Tags',
    fits: (found, expected) =>
      isDeepStrictEqual(zoneTags(found), zoneTags(expected)) &&
      listOf(expected).every((tag) => listOf(found).some((one) => isDeepStrictEqual(one, tag))),
  },
  // A policy that denies and allows nothing narrows who may call.
  {
    type: 'AWS::ApiGateway::RestApi',
    property: 'Policy',
    fits: (found) => found !== undefined && namedActions(found).length === 0,
  },
  // The same service by validated cryptography.
  {
    type: 'AWS::EC2::VPCEndpoint',
    property: 'ServiceName',
    fits: (found, expected) => JSON.stringify(found)?.replace('-fips', '') === JSON.stringify(expected),
  },
  { type: 'AWS::Lambda::Function', property: 'MemorySize', fits: (found) => typeof found === 'number' },
  {
    type: 'AWS::Logs::LogGroup',
    property: 'RetentionInDays',
    fits: (found, expected) => typeof found === 'number' && found >= Number(expected),
  },
];

/** Whether a property that is not as the declaration yields it weakens nothing: of this type, and with this value. */
export function isHarmless(type: string, property: string, found: unknown, expected: unknown): boolean {
  return HARMLESS.some(
    (one) => [type, '*'].includes(one.type) && one.property === property && one.fits(found, expected),
  );
}

function zoneTags(tags: unknown): readonly unknown[] {
  // What is no plain list of tags may hide one.
  if (tags !== undefined && !Array.isArray(tags)) return [tags];
  return listOf(tags).filter(
    (tag) => !isObject(tag) || typeof tag.Key !== 'string' || tag.Key.toLowerCase() === ZONE_TAG,
  );
}
