import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { objectOf, parseJson } from '../../../infra/proof/assembly/json.ts';
import { isMissing } from './languages.ts';
import type { RunnableFunction } from './pool.ts';
import { type Invocation, MAX_PAYLOAD, type RuntimeApi } from './runtime-api.ts';

const BOOTSTRAP = fileURLToPath(new URL('./bootstrap.mjs', import.meta.url));
const EGRESS = fileURLToPath(new URL('./egress.mjs', import.meta.url));
const INIT_TIMEOUT = 10_000;
/** Heap limit of a process of Node.js, MiB. */
const HEAP = 64;

/** Where a debugger finds the function that is inspected. */
const INSPECTOR = '127.0.0.1:9229';

/** What an invocation ended in: the payload that goes to the invoker, and whether it is an error of the function. */
export interface Outcome {
  payload: Buffer;
  /** Lambda's `X-Amz-Function-Error`. */
  functionError?: 'Unhandled' | undefined;
}

/** What an instance is started with. */
interface InstanceOptions {
  api: RuntimeApi;
  /** With `LOCAL_REACHABLE` in its environment, `egress.mjs` is in its process. */
  of: RunnableFunction;
  /** Name of its log stream. */
  stream: string;
  /** Epoch milliseconds. */
  now: () => number;
  /** Called with each line the function writes. */
  onLine(line: string, trace: string | undefined): void;
  /** Called once, when the process is gone. */
  onExit(): void;
}

/** Takes a piece of a streamed answer; the next one comes when it is done. Without a sink the pieces become the payload. */
export type Sink = (chunk: Buffer) => Promise<void>;

/** One execution environment: a process that works on one invocation at a time. */
export type Instance = ReturnType<typeof startInstance>;

interface Pending {
  invocation: Omit<Invocation, 'deadline'>;
  /** Whether the process has it. */
  handed: boolean;
  settle(outcome: Outcome): void;
  /** Ends the process unless it settles within so many milliseconds from now. */
  limit(ms: number): void;
  timeout: number;
  sink: Sink | undefined;
}

/**
 * Starts a function's process with the bundle in `codeDirectory` and nothing inherited. A process that fails to initialise,
 * runs into a timeout or ends by itself settles its invocation with Lambda's error and is not used again.
 */
export function startInstance(options: InstanceOptions) {
  let pending: Pending | undefined;
  let deliver: ((invocation: Invocation) => void) | undefined;
  let usable = true;
  // Of the last invocation: it works on one at a time.
  let trace: string | undefined;
  const pendingFor = (id: string) => (pending?.invocation.requestId === id ? pending : undefined);
  const hand = () => {
    if (deliver === undefined || pending === undefined || pending.handed) return;
    const { invocation, timeout } = pending;
    pending.handed = true;
    pending.limit(timeout);
    deliver({ ...invocation, deadline: options.now() + timeout });
    deliver = undefined;
  };

  const registration = options.api.register({
    next(give) {
      deliver = give;
      hand();
    },
    async response(id, chunks, failure) {
      const payload = await readAnswer(chunks, pendingFor(id)?.sink);
      const error = failure();
      pendingFor(id)?.settle(error === undefined ? answered(payload) : failed(error));
    },
    error: (id, payload) => pendingFor(id)?.settle(failed(payload)),
    initError(payload) {
      usable = false;
      pending?.settle(failed(payload));
    },
  });
  const child = spawnFunction(options, registration.address, (line) => options.onLine(line, trace));
  const gone = new Promise<void>((resolve) => {
    const end = (code: number | null, signal: string | null) => {
      usable = false;
      registration.unregister();
      pending?.settle(exited(pending.invocation.requestId, code, signal));
      options.onExit();
      resolve();
    };
    child.once('error', () => end(1, null));
    child.once('close', end);
  });

  return {
    pid: child.pid,
    /** Its deadline is `timeout` milliseconds after it is handed over: initialising has a limit of its own, as on AWS. */
    async invoke(invocation: Omit<Invocation, 'deadline'>, timeout: number, sink?: Sink): Promise<Outcome> {
      trace = /Root=([^;]+)/.exec(invocation.traceId)?.[1];
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      let timer: NodeJS.Timeout | undefined;
      const end = () => {
        usable = false;
        const text = `Task timed out after ${(timeout / 1000).toFixed(2)} seconds`;
        pending?.settle(platformError(invocation.requestId, 'Sandbox.Timedout', text));
        child.kill('SIGKILL');
      };
      pending = {
        invocation,
        handed: false,
        timeout,
        sink,
        settle(outcome) {
          clearTimeout(timer);
          pending = undefined;
          resolve(outcome);
        },
        limit(ms) {
          clearTimeout(timer);
          timer = setTimeout(end, ms);
        },
      };
      pending.limit(options.of.inspected ? timeout : INIT_TIMEOUT);
      hand();
      const outcome = await promise;
      // What the function wrote before it answered lies in its pipes already; let the event loop read them.
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      return outcome;
    },
    /** Whether it can take another invocation: not once it timed out, failed to initialise or was ended. */
    usable: () => usable,
    /** Ends the process, in the middle of whatever it does. Resolves when it is gone. */
    async kill(): Promise<void> {
      usable = false;
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Hands an answer on piece by piece, or puts it together where nobody takes it in pieces. */
async function readAnswer(chunks: AsyncIterable<Buffer>, sink: Sink | undefined): Promise<Buffer> {
  const kept: Buffer[] = [];
  for await (const chunk of chunks) {
    if (sink === undefined) kept.push(chunk);
    else await sink(chunk);
  }
  return Buffer.concat(kept);
}

function spawnFunction({ of, stream }: InstanceOptions, address: string, onLine: (line: string) => void) {
  const { environment, program } = of;
  const memory = [`--max-old-space-size=${HEAP}`, '--max-semi-space-size=2'];
  // An option of Node's, not an import of the bootstrap's: worker threads inherit it.
  const egress = environment['LOCAL_REACHABLE'] === undefined ? [] : ['--require', EGRESS];
  const inspect = of.inspected ? [`--inspect=${INSPECTOR}`] : [];
  const node = { command: process.execPath, args: [...memory, ...inspect, ...egress, BOOTSTRAP] };
  const { command, args } = program === undefined || isMissing(program) ? node : program;
  const child = spawn(command, args, {
    cwd: of.codeDirectory,
    env: { ...environment, AWS_LAMBDA_LOG_STREAM_NAME: stream, AWS_LAMBDA_RUNTIME_API: address },
    // Ctrl-C reaches a process group, and of those only Node.js's bootstrap knows to leave it to this process.
    detached: program !== undefined,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // Its standard input is open for as long as this process lives, and nothing is ever written to it.
  child.stdin?.on('error', () => {});
  for (const stream of [child.stdout, child.stderr]) eachLine(stream, onLine);
  return child;
}

function eachLine(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  stream?.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}

/** The handler returned; Lambda carries 6 MB. */
function answered(payload: Buffer): Outcome {
  if (payload.length <= MAX_PAYLOAD) return { payload };
  const errorMessage = `Response payload size (${payload.length} bytes) exceeded maximum allowed payload size (${MAX_PAYLOAD} bytes).`;
  return failed(json({ errorType: 'Function.ResponseSizeTooLarge', errorMessage }));
}

/** The name and message of what a function threw, from the payload that it ended in. */
export function describeFailure({ payload }: Outcome): string {
  const { errorType = 'Error', errorMessage = '' } = objectOf(parseJson(payload.toString()));
  return `${errorType}: ${errorMessage}`;
}

/** The handler threw, or the runtime reported an error in the same form. */
function failed(payload: Buffer): Outcome {
  return { payload, functionError: 'Unhandled' };
}

/** The function's process ended by itself. */
export function exited(requestId: string, code: number | null, signal: string | null): Outcome {
  const how =
    signal === null ? `exit status ${code ?? 0}` : `signal: ${signal.replace(/^SIG/, '').toLowerCase()}`;
  return platformError(requestId, 'Runtime.ExitError', `Runtime exited with error: ${how}`);
}

/** Nothing here runs the function. */
export function notRun(requestId: string, missing: string): Outcome {
  return platformError(requestId, 'Runtime.NotRunLocally', `not run locally: ${missing}`);
}

function platformError(requestId: string, errorType: string, text: string): Outcome {
  return failed(json({ errorType, errorMessage: `RequestId: ${requestId} Error: ${text}` }));
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
