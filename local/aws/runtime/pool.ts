import { randomUUID } from 'node:crypto';
import { AwsError } from '../errors.ts';
import type { TemplateFunction } from '../template/resources.ts';
import { currentTrace, makeTraceId } from '../trace.ts';
import { exited, type Instance, notRun, type Outcome, type Sink, startInstance } from './instance.ts';
import { isMissing, type Program } from './languages.ts';
import type { FunctionLog } from './log.ts';
import type { RuntimeApi } from './runtime-api.ts';

/** A function as the pool runs it. */
export interface RunnableFunction
  extends Pick<TemplateFunction, 'name' | 'arn' | 'roleArn' | 'codeDirectory' | 'timeout' | 'memory'>,
    Partial<Pick<TemplateFunction, 'zone' | 'reservedConcurrency'>> {
  /** What runs it; absent: Node.js. Or why nothing does. */
  program?: Program | { missing: string } | undefined;
  environment: Readonly<Record<string, string>>;
  /** Whether a debugger may attach to it: it then has one process, and all the time it takes. */
  inspected?: boolean;
}

/** The pool's bounds, for the machine it runs on. */
export interface PoolOptions {
  api: RuntimeApi;
  log(of: RunnableFunction): FunctionLog;
  /** Epoch milliseconds. */
  now: () => number;
  /** Processes of one function (default 3): a further invocation within the reserved concurrency waits for one. */
  instancesPerFunction?: number;
  /** Processes in all (default 12): beyond it, those that rested longest are ended first, of functions that have several. */
  instances?: number;
}

/** An invocation's outcome with what Lambda tells the invoker about it. */
export interface Invoked extends Outcome {
  requestId: string;
  /** The last 4 KB the function wrote during this invocation. */
  logTail: string;
}

/** Runs functions in processes of their own. */
export type FunctionPool = ReturnType<typeof createPool>;

interface Slot {
  of: RunnableFunction;
  instance: Instance;
  busy: boolean;
  retire: boolean;
  used: number;
  tail: string[];
}

/** An empty pool: processes start with the first invocation that needs them, stay warm, and end by `close` at the latest. */
export function createPool(options: PoolOptions) {
  const { instancesPerFunction = 3, instances = 12, now } = options;
  const slots = new Set<Slot>();
  const inFlight = new Map<string, number>();
  const queues = new Map<string, ((slot: Slot | undefined) => void)[]>();
  const ended = new Set<() => void>();
  let closed = false;

  function start(of: RunnableFunction): Slot {
    evict();
    const log = options.log(of);
    const instance = startInstance({
      api: options.api,
      of,
      stream: log.stream,
      now,
      onLine(line, trace) {
        slot.tail.push(line);
        log.line(line, trace);
      },
      onExit() {
        slots.delete(slot);
        startForWaiting(of);
      },
    });
    const slot: Slot = { of, instance, busy: true, retire: false, used: now(), tail: [] };
    slots.add(slot);
    return slot;
  }

  /** Makes room for one more by ending those that rested longest: a second process of a function before the only one of another. */
  function evict(): void {
    const resting = [...slots].filter(({ busy }) => !busy).sort((a, b) => a.used - b.used);
    while (slots.size >= instances) {
      const slot = resting.find(({ of: { name } }) => of(name).length > 1) ?? resting[0];
      if (slot === undefined) return;
      resting.splice(resting.indexOf(slot), 1);
      slots.delete(slot);
      void slot.instance.kill();
    }
  }

  /** A debugger is at one process. */
  const most = ({ inspected = false }: RunnableFunction) => (inspected ? 1 : instancesPerFunction);

  const of = (name: string) => [...slots].filter((slot) => slot.of.name === name);

  /** A process that died while invocations wait for one of its kind is replaced. */
  function startForWaiting(kind: RunnableFunction): void {
    if (closed || of(kind.name).length >= most(kind)) return;
    const next = queues.get(kind.name)?.shift();
    if (next !== undefined) next(start(kind));
  }

  /** Resolves to nothing where the pool is closed meanwhile. */
  function acquire(kind: RunnableFunction): Promise<Slot | undefined> | Slot {
    const mine = of(kind.name);
    const resting = mine.find(({ busy, retire }) => !busy && !retire);
    if (resting !== undefined) {
      resting.busy = true;
      return resting;
    }
    if (mine.length < most(kind)) return start(kind);
    return new Promise((resolve) => {
      const queue = queues.get(kind.name) ?? [];
      queues.set(kind.name, queue);
      queue.push(resolve);
    });
  }

  function release(slot: Slot): void {
    // An ended process stays marked as busy until it is gone, so that nobody takes it.
    if (!slot.instance.usable()) return;
    slot.used = now();
    if (slot.retire) return void slot.instance.kill();
    const next = queues.get(slot.of.name)?.shift();
    if (next === undefined) slot.busy = false;
    else next(slot);
  }

  function enter(kind: RunnableFunction): void {
    const flying = inFlight.get(kind.name) ?? 0;
    const why = { Type: 'User', Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' };
    if (closed || flying >= (kind.reservedConcurrency ?? Number.POSITIVE_INFINITY))
      throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429, why);
    inFlight.set(kind.name, flying + 1);
  }

  async function run(kind: RunnableFunction, requestId: string, payload: Buffer, sink: Sink | undefined) {
    if (isMissing(kind.program)) return { ...notRun(requestId, kind.program.missing), tail: [] };
    const slot = await acquire(kind);
    if (slot === undefined) return { ...exited(requestId, null, 'SIGKILL'), tail: [] };
    slot.tail = [];
    if (!slot.instance.usable()) return { ...exited(requestId, 1, null), tail: slot.tail };
    const traceId = `Root=${currentTrace() ?? makeTraceId(now())};Sampled=0`;
    const invocation = { requestId, payload, functionArn: kind.arn, traceId };
    const outcome = await slot.instance.invoke(invocation, kind.timeout, sink);
    const { tail } = slot;
    release(slot);
    return { ...outcome, tail };
  }

  return {
    /**
     * What a function streams goes to `sink` where there is one.
     * @throws {AwsError} TooManyRequestsException: above the reserved concurrency
     */
    async invoke(kind: RunnableFunction, payload: Buffer, sink?: Sink): Promise<Invoked> {
      enter(kind);
      const requestId = randomUUID();
      try {
        const { tail, ...outcome } = await run(kind, requestId, payload, sink);
        return { ...outcome, requestId, logTail: tail.join('\n').slice(-4096) };
      } finally {
        inFlight.set(kind.name, (inFlight.get(kind.name) ?? 1) - 1);
        for (const wake of ended) wake();
        ended.clear();
      }
    },
    /** Resolves when no invocation of the function is being worked on. */
    async idle(name: string): Promise<void> {
      while ((inFlight.get(name) ?? 0) > 0) await new Promise<void>((resolve) => ended.add(resolve));
    },
    /** Processes running now. */
    running: () =>
      [...slots].map(({ of, instance, busy }) => ({ function: of.name, pid: instance.pid, busy })),
    /** Ends resting processes, of one function or all, so that the next invocation starts cold; those at work end after it. */
    async recycle(name?: string): Promise<void> {
      const ended = (name === undefined ? [...slots] : of(name)).map(async (slot) => {
        slot.retire = true;
        if (!slot.busy) await slot.instance.kill();
      });
      await Promise.all(ended);
    },
    async close(): Promise<void> {
      closed = true;
      for (const end of [...queues.values()].flat()) end(undefined);
      queues.clear();
      await Promise.all([...slots].map(({ instance }) => instance.kill()));
    },
  };
}
