/** What an invocation ended in: the payload that goes to the invoker, and whether it is an error of the function. */
export interface Outcome {
  payload: Buffer;
  /** Lambda's `X-Amz-Function-Error`. */
  functionError?: 'Unhandled';
}

/** The handler returned. */
export function succeeded(payload: Buffer): Outcome {
  return { payload };
}

/** The handler threw, or the runtime reported an error in the same form. */
export function failed(payload: Buffer): Outcome {
  return { payload, functionError: 'Unhandled' };
}

/** The function ran into its timeout, in milliseconds. */
export function timedOut(requestId: string, timeout: number): Outcome {
  return platformError(
    requestId,
    'Sandbox.Timedout',
    `Task timed out after ${(timeout / 1000).toFixed(2)} seconds`,
  );
}

/** The function's process ended by itself. */
export function exited(requestId: string, code: number | null, signal: string | null): Outcome {
  const how =
    signal === null ? `exit status ${code ?? 0}` : `signal: ${signal.replace(/^SIG/, '').toLowerCase()}`;
  return platformError(requestId, 'Runtime.ExitError', `Runtime exited with error: ${how}`);
}

/** The answer is over the 6 MB that Lambda carries. */
export function tooLarge(bytes: number): Outcome {
  const errorMessage = `Response payload size (${bytes} bytes) exceeded maximum allowed payload size (6291556 bytes).`;
  return failed(json({ errorType: 'Function.ResponseSizeTooLarge', errorMessage }));
}

function platformError(requestId: string, errorType: string, text: string): Outcome {
  return failed(json({ errorType, errorMessage: `RequestId: ${requestId} Error: ${text}` }));
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
