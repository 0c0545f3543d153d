import type { SystemDeclaration } from '../declaration/schema.ts';
import type { Comparison } from './compare-live.ts';

/** A gateway to call: its zone and its URL. */
export type Gateway = { zone: string; url: string };

/** How to call: without credentials, and signed with the operator's. Both resolve to the status, 0 where nothing answers. */
export type Callers = Record<'plain' | 'signed', (url: string) => Promise<number>>;

/** What an entry should answer, and what it means where it does not. */
const RIGHT = {
  '403 or 404': {
    holds: (status: number) => status === 403 || status === 404,
    means: 'The gateway answers what it has no route for.',
  },
  '403 unsigned': {
    holds: (status: number) => status === 403,
    means: 'Anybody may call what only IAM principals should.',
  },
  'an answer below 500': {
    holds: (status: number) => status > 0 && status < 500,
    means: 'The entry, its function, its signer or HelseID fails: see the log of its function.',
  },
};

/**
 * Calls the entries as anybody and as the operator: what IAM authorises is refused unsigned, what is no route is refused, and every
 * GET is answered without a fault, which takes function, signer, key and HelseID. Calls nothing else, for nothing shall be changed.
 * A signed call that is refused says only that these credentials may not call: it is `skipped`.
 */
export async function callEntries({ zones }: SystemDeclaration, gateways: readonly Gateway[], by: Callers) {
  const result: Comparison & { skipped: string[] } = { read: 0, skipped: [], differences: [], unread: [] };
  const check = (resource: string, expected: keyof typeof RIGHT, found: number) => {
    const { holds, means } = RIGHT[expected];
    result.read += 1;
    if (!holds(found))
      result.differences.push({ resource, type: 'entry', property: 'status', expected, found, means });
  };
  for (const { zone, url } of gateways) {
    const nowhere = `${url}/no-such-route`;
    check(nowhere, '403 or 404', await by.plain(nowhere));
    for (const { method, path, authorize } of zones[zone]?.gateway?.routes ?? []) {
      const target = `${url}${path.replaceAll(/\{[^}]+\}/g, '0')}`;
      const ofIam = authorize === 'iam';
      if (ofIam) check(target, '403 unsigned', await by.plain(target));
      if (method !== 'GET') continue;
      const status = await (ofIam ? by.signed : by.plain)(target);
      if (ofIam && status === 403) result.skipped.push(`GET ${target}: these credentials may not call it`);
      else check(target, 'an answer below 500', status);
    }
  }
  return result;
}
