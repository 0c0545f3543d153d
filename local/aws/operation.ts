import * as v from 'valibot';
import { isObject, type JsonObject, parseJson } from '../../infra/proof/assembly/json.ts';
import type { Call, Context, Need } from './call.ts';
import { AwsError, notImplemented, type WireResponse, writeJson, writeJsonError } from './errors.ts';
import type { WireRequest } from './sigv4.ts';

/** A service as the listener sees it: which requests are its own, and how it answers them. */
export interface Emulator {
  /** Signing name; also the last part of its VPC endpoint's service name. */
  name: string;
  matches(request: WireRequest): boolean;
  /** Operation of a request, for the audit trail. */
  operation(request: WireRequest): string;
  /** @throws {AwsError} what the service refuses */
  answer(request: WireRequest, call: Call): Promise<WireResponse>;
  writeError(error: AwsError, requestId: string): WireResponse;
  /** Ends what it does by itself. */
  close?(): Promise<void> | void;
}

/** One operation of a service. `needs` may refuse too (no such key), as AWS looks a resource up before it looks at policies. */
export interface Operation {
  input: v.GenericSchema;
  needs(input: unknown, call: Call): readonly Need[];
  run(input: unknown, call: Call): unknown;
}

/** A service of AWS's JSON protocols: its operations by name. */
interface JsonService {
  /** Signing name. */
  name: string;
  /** Part of `X-Amz-Target` before the dot. */
  target: string;
  version: '1.0' | '1.1';
  operations: Readonly<Record<string, Operation>>;
}

/** An {@link Operation} whose parts take what `input` makes of a request. Members that the schema does not have are refused, so that none is silently ignored. */
export function operation<const Entries extends v.ObjectEntries>(
  entries: Entries,
  needs: (input: InputOf<Entries>, call: Call) => readonly Need[],
  run: (input: InputOf<Entries>, call: Call) => unknown,
): Operation {
  return { input: v.strictObject(entries), needs, run } as Operation;
}

/** What a schema of these members makes of an input. */
type InputOf<Entries extends v.ObjectEntries> = v.InferOutput<v.StrictObjectSchema<Entries, undefined>>;

/**
 * Makes operations on the resource that `member` names: each asks for its own permission on it, with `more` condition keys of
 * the request, and answers by its name.
 */
export function operationsOn<Resource>(
  member: string,
  find: (name: string) => Resource,
  need: (action: string, resource: Resource, call: Call, more: Context) => Need,
) {
  return <const Entries extends v.ObjectEntries>(
    action: string,
    entries: Entries,
    run: (resource: Resource, input: InputOf<Entries>, call: Call) => unknown,
    more: (input: InputOf<Entries>) => Context = () => ({}),
  ): Record<string, Operation> => {
    const found = (input: unknown) => find((input as Record<string, string>)[member] ?? '');
    return {
      [action]: {
        input: v.strictObject({ ...entries, [member]: text(2048) }),
        needs: (input, call) => [need(action, found(input), call, more(input as InputOf<Entries>))],
        run: (input, call) => run(found(input), input as InputOf<Entries>, call),
      },
    };
  };
}

/** A service of the JSON protocols as an {@link Emulator}. */
export function jsonEmulator(service: JsonService, close: () => Promise<void> | void = () => {}): Emulator {
  const nameOf = ({ headers }: WireRequest) =>
    headers['x-amz-target']?.slice(service.target.length + 1) ?? '';
  return {
    name: service.name,
    matches: ({ method, headers }) =>
      method === 'POST' && headers['x-amz-target']?.startsWith(`${service.target}.`) === true,
    operation: nameOf,
    async answer(request, call) {
      const name = nameOf(request);
      const found = Object.hasOwn(service.operations, name) ? service.operations[name] : undefined;
      const unknown = `The local AWS does not implement ${service.name}:${name}`;
      if (found === undefined) throw new AwsError('UnknownOperationException', unknown);
      const input = parseInput(found.input, parseBody(request), name);
      for (const need of found.needs(input, call)) call.require(need);
      return writeJson(service.version, 200, (await found.run(input, call)) ?? {}, call.requestId);
    },
    writeError: (error, requestId) => writeJsonError(service.version, error, requestId),
    close,
  };
}

/**
 * The JSON object in a body; members that are null are as if they were absent.
 * @throws {AwsError} SerializationException
 */
export function parseBody({ body }: WireRequest): JsonObject {
  const value = parseJson(Buffer.from(body).toString() || '{}');
  if (!isObject(value)) throw new AwsError('SerializationException', 'The request body is not a JSON object');
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

/**
 * Reads the input of `action`.
 * @throws {AwsError} ValidationException; NotImplementedException: a member that the schema does not have
 */
export function parseInput<Schema extends v.GenericSchema>(schema: Schema, input: unknown, action: string) {
  const parsed = v.safeParse(schema, input, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const member = v.getDotPath(issue) ?? 'input';
  const at = member.charAt(0).toLowerCase() + member.slice(1);
  if (issue.type === 'strict_object' && issue.expected === 'never')
    throw notImplemented(`${action} with ${member}`);
  const constraint = issue.received === 'undefined' ? 'Member must not be null' : issue.message;
  const message = `1 validation error detected: Value at '${at}' failed to satisfy constraint: ${constraint}`;
  throw new AwsError('ValidationException', message);
}

/** A text of 1 to `max` characters. */
export const text = (max = 65_536) => v.pipe(v.string(), v.minLength(1), v.maxLength(max));

/** Bytes, base64 on the wire. */
export const blob = (max: number) =>
  v.pipe(
    v.string(),
    v.base64(),
    v.transform((encoded) => Buffer.from(encoded, 'base64')),
    v.minLength(1),
    v.maxLength(max),
  );

/** A whole number in a range. */
export const whole = (min: number, max: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

/** A whole number in a range, or its default. */
export const integer = (min: number, max: number, fallback: number) => v.optional(whole(min, max), fallback);

/** A list of texts, or an empty one. */
export const texts = v.optional(v.array(v.string()), []);
