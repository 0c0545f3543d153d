import { listOf, objectOf } from '../../../infra/proof/assembly/json.ts';

/** The tags of a resource, `Tags: [{Key, Value}]`. */
export function tagsOf(properties: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    listOf(properties['Tags']).map((tag) => [String(objectOf(tag)['Key']), String(objectOf(tag)['Value'])]),
  );
}
