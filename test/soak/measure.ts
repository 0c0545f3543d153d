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

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // It was closed meanwhile.
    return '';
  }
}

/** Samples of a process that are not yet about what it takes up once it is warm. */
const WARM = 5;

/** Growth that counts as flat: by a quarter and so many MiB or sockets; pools of connections that are kept fill up while faults last. */
const FLAT = { factor: 1.25, mebibytes: 24, sockets: 24 };

/**
 * What has grown over the life of each process: the highest of the last third of its samples held against the highest of the first
 * third, once it is warm. A process with too few samples says nothing.
 */
export function findGrowth(samples: ReadonlyMap<string, readonly Sample[]>): string[] {
  return [...samples].flatMap(([name, all]) => {
    const warm = all.slice(WARM);
    const third = Math.floor(warm.length / 3);
    if (third < 3) return [];
    const highest = (of: readonly Sample[], what: keyof Sample) => Math.max(...of.map((each) => each[what]));
    const [first, last] = [warm.slice(0, third), warm.slice(-third)];
    const [from, to] = [highest(first, 'memory'), highest(last, 'memory')];
    const [few, many] = [highest(first, 'sockets'), highest(last, 'sockets')];
    return [
      ...(to > from * FLAT.factor + FLAT.mebibytes
        ? [`${name}: memory from ${from.toFixed(0)} to ${to.toFixed(0)} MiB`]
        : []),
      ...(many > few * FLAT.factor + FLAT.sockets ? [`${name}: sockets from ${few} to ${many}`] : []),
    ];
  });
}
