/** `fetch`, replaceable. */
export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/**
 * Runs `run` with a signal that fires after `milliseconds`, or when `signal` does. The deadline ends with `run`: a body
 * that `run` hands back unread may take as long as its reader likes, and still obeys `signal`.
 */
export async function withDeadline<T>(
  milliseconds: number,
  signal: AbortSignal | undefined | null,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const deadline = new AbortController();
  const timer = setTimeout(
    () => deadline.abort(new DOMException(`No answer within ${milliseconds} ms.`, 'TimeoutError')),
    milliseconds,
  );
  try {
    return await run(signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal);
  } finally {
    clearTimeout(timer);
  }
}
