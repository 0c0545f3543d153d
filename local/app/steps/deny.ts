import type { AwsAnswer } from '../../aws/aws-client.ts';
import { stepFailed } from './step.ts';

/**
 * Shows that a call is denied and that its twin is not. The twin goes first: a denial proves nothing while nobody could do it.
 * Resolves to AWS's error; throws where the twin failed, or where a denied call succeeded or failed for another reason.
 */
export async function expectDenied(pair: {
  allowed(): Promise<AwsAnswer>;
  /** By each way that there is. */
  denied: readonly (() => Promise<AwsAnswer>)[];
  /** Default `AccessDeniedException`. */
  code?: string;
}): Promise<string> {
  const { code = 'AccessDeniedException' } = pair;
  const twin = await pair.allowed();
  if (twin.error !== undefined)
    throw stepFailed(`the allowed twin failed: ${twin.error.code}: ${twin.error.message}`);
  const messages: string[] = [];
  for (const call of pair.denied) {
    const { status, error } = await call();
    if (error?.code !== code)
      throw stepFailed(`expected ${code}, but AWS answered ${status} ${error?.code ?? ''}`);
    messages.push(error.message);
  }
  return `${code}: ${messages[0] ?? ''}`;
}
