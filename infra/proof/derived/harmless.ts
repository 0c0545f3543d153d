import { isDeepStrictEqual } from 'node:util';
import { isObject, listOf } from '../assembly/json.ts';
import { namedActions } from '../assembly/roles.ts';

/** Keys of the tags by which the system knows its zones and keys. */
export const OWN_TAGS = /^helseid-zones:/i;

/** Differences that weaken nothing, by type (`*`: every type) and property. */
const HARMLESS: Readonly<Record<string, (found: unknown, expected: unknown) => boolean>> = {
  '* Description': (found) => typeof found === 'string' && !found.includes('{{'),
  // What is lost can be had back, and is not deleted.
  '* DeletionProtectionEnabled': (found) => found === true,
  'AWS::DynamoDB::Table PointInTimeRecoverySpecification': (found) =>
    isDeepStrictEqual(found, { PointInTimeRecoveryEnabled: true }),
  // More tags, of others; those that mark a zone, or a client's key, are equal.
  '* Tags': (found, expected) =>
    isDeepStrictEqual(zoneTags(found), zoneTags(expected)) &&
    listOf(expected).every((tag) => listOf(found).some((one) => isDeepStrictEqual(one, tag))),
  // A policy that denies and allows nothing narrows who may call.
  'AWS::ApiGateway::RestApi Policy': (found) => found !== undefined && namedActions(found).length === 0,
  // The same service by validated cryptography.
  'AWS::EC2::VPCEndpoint ServiceName': (found, expected) =>
    JSON.stringify(found)?.replace('-fips', '') === JSON.stringify(expected),
  'AWS::Lambda::Function MemorySize': (found) => typeof found === 'number',
  'AWS::Logs::LogGroup RetentionInDays': (found, expected) =>
    typeof found === 'number' && found >= Number(expected),
};

/** Whether a property that is not as the declaration yields it weakens nothing: of this type, and with this value. */
export function isHarmless(type: string, property: string, found: unknown, expected: unknown): boolean {
  return [type, '*'].some((of) => HARMLESS[`${of} ${property}`]?.(found, expected) === true);
}

function zoneTags(tags: unknown): readonly unknown[] {
  // What is no plain list of tags may hide one.
  if (tags !== undefined && !Array.isArray(tags)) return [tags];
  return listOf(tags).filter(
    (tag) => !isObject(tag) || typeof tag.Key !== 'string' || OWN_TAGS.test(tag.Key),
  );
}
