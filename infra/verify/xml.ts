import { parseXML } from '@aws-sdk/xml-builder';
import { isObject, type JsonObject, objectOf } from '../proof/assembly/json.ts';

/** What elements of lists, and of lists of keys with values, are called. */
const LISTED = ['member', 'item', 'entry'];

/**
 * What AWS's query protocol answers, as the JSON that its other protocols would give, by the AWS SDK's own parser: an element with
 * elements is an object, one whose elements are all {@link LISTED} a list, any other its text. Without an element it is empty.
 */
export function parseXml(text: string): JsonObject {
  try {
    return objectOf(Object.values(objectOf(jsonOf(parseXML(text))))[0]);
  } catch {
    return {};
  }
}

function jsonOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonOf);
  if (!isObject(value)) return value;
  const members = Object.entries(value).filter(([name]) => name !== 'xmlns' && name !== '#text');
  if (members.length > 0 && members.every(([name]) => LISTED.includes(name)))
    return members.flatMap(([, of]) => [of].flat().map(jsonOf));
  return Object.fromEntries(members.map(([name, of]) => [name, jsonOf(of)]));
}
