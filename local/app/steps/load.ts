import { setTimeout as wait } from 'node:timers/promises';

/** Calls that are made over and over while something else happens. */
export type Load = ReturnType<typeof startLoad>;

/** Milliseconds between two looks. */
const LOOK = 10;

/**
 * Begins a lane for each caller: one call after the other, with a `pause` between them, until it is stopped or one fails. A call fails
 * by throwing.
 */
export function startLoad(
  callers: Readonly<Record<string, () => Promise<unknown>>>,
  pause: () => Promise<unknown> = async () => {},
) {
  let stopped = false;
  const lanes = Object.entries(callers).map(([name, call]) => {
    const lane = { name, begun: 0, ended: 0, failures: [] as string[] };
    const drive = async () => {
      while (!stopped && lane.failures.length === 0) {
        lane.begun += 1;
        try {
          await call();
          lane.ended += 1;
        } catch (cause) {
          lane.failures.push(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`);
        }
        await pause();
      }
    };
    return { lane, driven: drive() };
  });
  return {
    /** Resolves when every lane has begun and ended so many further calls, or has failed. */
    async more(calls: number): Promise<void> {
      // What is under way now began before, and does not count.
      const goals = lanes.map(({ lane }) => ({ lane, goal: lane.begun + calls }));
      const isOver = () => goals.every(({ lane, goal }) => lane.failures.length > 0 || lane.ended >= goal);
      while (!isOver()) await wait(LOOK);
    },
    /** Lets the calls that are under way end, and begins no other. `calls` are those that have ended, by lane; `failures` one a lane. */
    async stop() {
      stopped = true;
      await Promise.all(lanes.map(({ driven }) => driven));
      return {
        calls: Object.fromEntries(lanes.map(({ lane }) => [lane.name, lane.ended])),
        failures: lanes.flatMap(({ lane }) => lane.failures),
      };
    },
  };
}
