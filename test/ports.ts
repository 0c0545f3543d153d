import { randomInt } from 'node:crypto';
import type { LocalPorts } from '../local/app/declaration.ts';
import { listen } from '../local/aws/http.ts';

/** How many ports a system is given: half of them for its gateways, half for its stand-ins. */
export const ROOM = 40;

/** Ports that nobody has now, for a local system beside whatever else runs. */
export async function freePorts(
  // Below those that a kernel hands out by itself, so that nobody gets these until the system starts.
  pick: () => number = () => randomInt(10_000, 32_000),
): Promise<LocalPorts> {
  for (;;) {
    const gateway = pick();
    const tried = await Promise.allSettled(
      Array.from({ length: ROOM }, (_, index) => listen(() => {}, gateway + index)),
    );
    const listening = tried.filter((each) => each.status === 'fulfilled');
    await Promise.all(listening.map(({ value }) => value.close()));
    if (listening.length === ROOM) return { gateway, standIn: gateway + ROOM / 2 };
  }
}
