import { KMSServiceException } from '@aws-sdk/client-kms';
import { beginCall, type Caller } from '../../local/aws/call.ts';
import type { AwsContext } from '../../local/aws/context.ts';
import { AwsError } from '../../local/aws/errors.ts';
import type { Emulator } from '../../local/aws/operation.ts';
import { REGION, ROLE } from '../local/aws/harness.ts';

/** Calls an operation of an emulator. */
export type Ask = <Output>(operation: string, input: object) => Promise<Output>;

/** Members that are not on the wire what the SDK makes of them. */
const MEMBERS: Readonly<Record<string, (value: never) => unknown>> = {
  PublicKey: toBytes,
  Signature: toBytes,
  KeyMetadata: readMembers,
  CreationDate: toDate,
  LastChangedDate: toDate,
};
const caller: Caller = { ...ROLE, kind: 'role', session: 'test' };

/** Calls an emulator without the wire, as the SDK's clients do: bytes and times are what they are there, and errors too. */
export function askInProcess(emulator: Emulator, target: string, context: AwsContext): Ask {
  return async (operation, input) => {
    const headers = { 'x-amz-target': `${target}.${operation}` };
    const given = Object.entries(input).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
    ]);
    const body = Buffer.from(JSON.stringify(Object.fromEntries(given)));
    const call = beginCall({ ...context, region: REGION }, caller, {}, 'id');
    try {
      const answer = await emulator.answer({ method: 'POST', target: '/', headers, body }, call);
      return readMembers(JSON.parse(String(answer.body)));
    } catch (cause) {
      throw cause instanceof AwsError ? awsError(cause.code, cause.status, cause.message) : cause;
    }
  };
}

function readMembers<Output>(members: object): Output {
  const read = Object.entries(members).map(([name, value]) => [
    name,
    MEMBERS[name]?.(value as never) ?? value,
  ]);
  return Object.fromEntries(read);
}

function toBytes(text: string): Buffer {
  return Buffer.from(text, 'base64');
}

function toDate(seconds: number): Date {
  return new Date(seconds * 1000);
}

/** The port whose methods are these operations: `DescribeKey` is `describeKey`. */
export function portOf<Port>(ask: Ask, operations: readonly string[]): Port {
  const methods = operations.map((operation) => [
    `${operation.charAt(0).toLowerCase()}${operation.slice(1)}`,
    (input: object) => ask(operation, input),
  ]);
  return Object.fromEntries(methods);
}

/** An error as the SDK throws it. */
export function awsError(name: string, httpStatusCode = 400, message = name): KMSServiceException {
  return new KMSServiceException({ name, $fault: 'client', message, $metadata: { httpStatusCode } });
}
