import { setTimeout } from 'node:timers/promises';
import type { Caller } from './call.ts';
import { AwsError, type WireResponse } from './errors.ts';

/** What is to fail how. A fault is for the calls that have every property of its `where`; the first one that fits a call meets it. */
export function planFaults<Call extends object, Fault>() {
  const planned = new Set<{ where: Partial<Call>; fault: Fault; left: number; met: number }>();
  return {
    /** Has the next `calls` fail so, by default every one until `end`; `met` tells how many did. */
    inject(where: Partial<Call>, fault: Fault, calls = Number.POSITIVE_INFINITY) {
      const plan = { where, fault, left: calls, met: 0 };
      planned.add(plan);
      return { met: () => plan.met, end: () => void planned.delete(plan) };
    },
    /** The fault that a call meets, if any. */
    next(call: Call): Fault | undefined {
      const has = new Map<string, unknown>(Object.entries(call));
      const plan = [...planned].find(({ where }) =>
        Object.entries(where).every(([name, value]) => value === undefined || has.get(name) === value),
      );
      if (plan === undefined) return undefined;
      plan.met += 1;
      plan.left -= 1;
      if (plan.left <= 0) planned.delete(plan);
      return plan.fault;
    },
  };
}

/**
 * What becomes of a call: it is refused with AWS's error code and HTTP status (default 400), it takes so many milliseconds, or it is done
 * and its answer is lost.
 */
type Fault = { error: string; status?: number } | { slow: number } | { lost: true };

/** Calls of a service, by its signing name; of one operation, and with the role of one function, where those are named. */
interface Where {
  service: string;
  operation: string;
  functionArn: string | undefined;
}

/** Faults that the local AWS has on request: which, and how calls meet them. */
export type Faults = ReturnType<typeof createFaults>;

/** No faults, until some are injected. What AWS does by itself, such as polling a queue, meets none. */
export function createFaults() {
  const { inject, next } = planFaults<Where, Fault>();
  return {
    inject,
    /**
     * Does a call as the first fault that is meant for it lets it; resolves to nothing where its answer is lost.
     * @throws {AwsError} what was injected, and what `run` throws
     */
    async meet(service: string, operation: string, caller: Caller, run: () => Promise<WireResponse>) {
      const fault = next({ service, operation, functionArn: caller.functionArn });
      if (fault === undefined) return run();
      if ('error' in fault) throw new AwsError(fault.error, 'A fault that was injected', fault.status);
      if ('slow' in fault) await setTimeout(fault.slow);
      const answered = await run();
      return 'lost' in fault ? undefined : answered;
    },
  };
}
