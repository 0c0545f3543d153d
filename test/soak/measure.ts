import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What a process takes up. */
export interface Sample {
  /** MiB resident. */
  memory: number;
  sockets: number;
}

/** What Linux says of a process (`VmRSS`, open sockets); undefined of one that is gone, or where there is no `/proc`. */
export function measure(pid: number | 'self'): Sample | undefined {
  try {
    const [, kilobytes = ''] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    const files = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
    return {
      memory: Number(kilobytes) / 1024,
      sockets: files.filter((file) => file.startsWith('socket:')).length,
    };
  } catch {
    return undefined;
  }
}

/**
 * Seconds for which a process has run, and for which it could have and waited for a processor (Linux's `schedstat`): who waited most
 * of the time has shown nothing but that the machine was busy. Undefined where there is no `/proc`.
 */
export function processorTime(pid: number | 'self'): { ran: number; waited: number } | undefined {
  try {
    const [ran = 0, waited = 0] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ').map(Number);
    return { ran: ran / 1e9, waited: waited / 1e9 };
  } catch {
    return undefined;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // It was closed meanwhile.
    return '';
  }
}

/** Samples of a process that are not yet about what it takes up once it is warm, and those it takes besides to say anything. */
const WARM = 5;
const ENOUGH = 30;

/** Growth that counts as flat: by a quarter and so many MiB or sockets; pools of connections that are kept fill up while faults last. */
const FLAT = { memory: { factor: 1.25, more: 24 }, sockets: { factor: 1.25, more: 24 } } as const;

const median = (of: readonly number[]) => [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)] ?? 0;

/**
 * What has grown over the life of each process: the median of the last third of its samples held against that of the first third,
 * once it is warm; what is high for a moment is no growth. `measured` are the processes that had samples enough to tell.
 */
export function findGrowth(samples: ReadonlyMap<string, readonly Sample[]>): {
  grown: string[];
  measured: string[];
} {
  const warm = [...samples].map(([name, all]) => [name, all.slice(WARM)] as const);
  const enough = warm.filter(([, all]) => all.length >= ENOUGH);
  const grown = enough.flatMap(([name, all]) => {
    const third = Math.floor(all.length / 3);
    return (['memory', 'sockets'] as const).flatMap((what) => {
      const [from, to] = [all.slice(0, third), all.slice(-third)].map((of) =>
        median(of.map((one) => one[what])),
      );
      const { factor, more } = FLAT[what];
      const unit = what === 'memory' ? ' MiB' : '';
      return Number(to) > Number(from) * factor + more
        ? [`${name}: ${what} from ${from?.toFixed(0)} to ${to?.toFixed(0)}${unit}`]
        : [];
    });
  });
  return { grown, measured: enough.map(([name]) => name) };
}
