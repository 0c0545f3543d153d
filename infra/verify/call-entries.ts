import type { SystemDeclaration } from '../declaration/schema.ts';
import type { Difference } from './compare-live.ts';

/** A gateway to call: its zone and its URL. */
export interface Gateway {
  zone: string;
  url: string;
}

/** How to call: without credentials, and signed with the operator's. Both resolve to the status, 0 where nothing answers. */
export interface Callers {
  plain(url: string): Promise<number>;
  signed(url: string): Promise<number>;
}

/**
 * Calls the entries as anybody and as the operator: what IAM authorises is refused unsigned, what is no route is refused, and every
 * GET is answered without a fault, which takes function, signer, key and HelseID. Calls nothing else, for nothing shall be changed.
 * A signed call that is refused says only that these credentials may not call: it is `skipped`.
 */
export async function callEntries(
  { zones }: SystemDeclaration,
  gateways: readonly Gateway[],
  { plain, signed }: Callers,
): Promise<{ called: number; skipped: string[]; differences: Difference[] }> {
  const result = { called: 0, skipped: [] as string[], differences: [] as Difference[] };
  const check = (resource: string, expected: string, status: number, right: boolean, means: string) => {
    result.called += 1;
    const type = 'entry';
    if (!right)
      result.differences.push({ resource, type, property: 'status', expected, found: status, means });
  };
  for (const { zone, url } of gateways) {
    const nowhere = `${url}/no-such-route`;
    const closed = await plain(nowhere);
    check(
      nowhere,
      '403 or 404',
      closed,
      [403, 404].includes(closed),
      'The gateway answers what it has no route for.',
    );
    for (const { method, path, authorize } of zones[zone]?.gateway?.routes ?? []) {
      const target = `${url}${path.replaceAll(/\{[^}]+\}/g, '0')}`;
      if (authorize === 'iam') {
        const status = await plain(target);
        check(
          target,
          '403 unsigned',
          status,
          status === 403,
          'Anybody may call what only IAM principals should.',
        );
      }
      if (method !== 'GET') continue;
      const status = await (authorize === 'iam' ? signed : plain)(target);
      if (authorize === 'iam' && status === 403)
        result.skipped.push(`GET ${target}: these credentials may not call it`);
      else
        check(
          target,
          'an answer below 500',
          status,
          status > 0 && status < 500,
          'The entry, its function, its signer or HelseID fails: see the log of its function.',
        );
    }
  }
  return result;
}
