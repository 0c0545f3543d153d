import { describeNetworkFailure, type NetworkFacts } from '@helseid-zones/client/errors';
import { isZonesError } from '@helseid-zones/protocol/errors';

/** AWS's name of an error, e.g. `ResourceNotFoundException`; empty for what did not come from AWS. */
export function awsErrorName(error: unknown): string {
  return error instanceof Error && !error.name.endsWith('Error') ? error.name : '';
}

/** What `asked` resolves to; undefined where AWS refuses it with an error of this name. */
export async function unlessRefused<T>(asked: Promise<T>, ...names: readonly string[]) {
  try {
    return await asked;
  } catch (error) {
    if (names.includes(awsErrorName(error))) return undefined;
    throw error;
  }
}

/**
 * An error of the AWS SDK as facts for the audit: AWS's own name of it, the HTTP status where there was an answer, and what
 * kept one from coming where there was none. Not its message, which may repeat a request's.
 */
export function describeAwsError(error: unknown): NetworkFacts & { aws_error: string; status?: number } {
  const { name = 'unknown', $metadata } = Object(error) as {
    name?: string;
    $metadata?: { httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  return { aws_error: name, ...(status === undefined ? describeNetworkFailure(error) : { status }) };
}

/**
 * Any error as facts for the audit of a failure: `reason` is the code of one of ours, with its facts, or the name of
 * another's, with the status or what kept an answer from coming. Not its message, which may repeat what it was about.
 */
export function describeFailure(error: unknown): Record<string, string | number | boolean> {
  if (isZonesError(error)) return { ...error.facts, reason: error.code };
  const { aws_error: reason, ...facts } = describeAwsError(error);
  return { ...facts, reason };
}
