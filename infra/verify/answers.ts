import { type JsonObject, listOf, objectOf } from '../proof/assembly/json.ts';
import type { Live } from './live.ts';

/** What is there under this id, with members as the type's template has them; more members do no harm. Undefined: nothing. */
export type Read = (id: string, live: Live, expected: JsonObject) => Promise<JsonObject | undefined>;

/** Objects in a list of an answer; an empty list is an empty text in XML. */
export const items = (list: unknown): JsonObject[] => (list === '' ? [] : listOf(list).map(objectOf));

/** The value behind a path of members. */
export const at = (from: unknown, ...path: readonly string[]) =>
  path.reduce<unknown>((value, member) => objectOf(value)[member], from);

/** The object of a list that has a member of this value. */
export const one = (list: unknown, member: string, value: unknown) =>
  items(list).find((item) => item[member] === value);

/** An object less some members. */
export const without = (of: JsonObject | undefined, ...members: readonly string[]) =>
  of && Object.fromEntries(Object.entries(of).filter(([key]) => !members.includes(key)));

/** Reads what a service answers about an id, given as `parameter`: the whole answer, or its `member`. */
export const ask =
  (service: Parameters<Live>[0], action: string, parameter: string, name?: string): Read =>
  async (id, live) => {
    const answer = await live(service, action, { [parameter]: id });
    return name === undefined ? answer : objectOf(answer[name]);
  };

/** What `asked` resolves to; undefined where AWS says, in one of its ways, that there is no such thing. */
export async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (/NotFound|NoSuch|NonExist|DoesNotExist/.test(awsError(error))) return undefined;
    throw error;
  }
}

/** AWS's code of an error. */
export function awsError(error: unknown): string {
  return String(at(error, 'facts', 'error') ?? '');
}
