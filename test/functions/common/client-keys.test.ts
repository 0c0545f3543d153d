import { expect, test } from 'vitest';
import { findTaggedKeys, listGrants } from '../../../functions/common/client-keys.ts';
import type { KmsPort } from '../../../functions/common/key-ports.ts';

/** Answers a list in pages, the first of them empty: page `n` is asked for by the marker `n`. */
function inPages<Entry>(member: string, ...pages: readonly Entry[][]) {
  const all = [[], ...pages];
  return async ({ Marker = '0' }: { Marker?: string | undefined }) => {
    const next = Number(Marker) + 1;
    const more = next < all.length;
    return { [member]: all[next - 1], Truncated: more, ...(more ? { NextMarker: String(next) } : {}) };
  };
}

test('keys and grants are found on whatever page KMS has them', async () => {
  const Tags = ['system', 'client'].map((name) => ({ TagKey: `helseid-zones:${name}`, TagValue: 'journal' }));
  const kms = {
    listKeys: inPages('Keys', [{ KeyArn: 'a' }, { KeyArn: 'strange' }], [{ KeyArn: 'b' }]),
    listResourceTags: async ({ KeyId }: { KeyId: string }) => ({ Tags: KeyId === 'strange' ? [] : Tags }),
    listGrants: inPages('Grants', [{ GrantId: '1' }], [{ GrantId: '2' }]),
  } as unknown as KmsPort;
  expect(await findTaggedKeys(kms, 'journal', 'journal')).toEqual(['a', 'b']);
  expect(await listGrants(kms, 'a')).toEqual([{ GrantId: '1' }, { GrantId: '2' }]);
});

test('of a key that nobody has a grant for there are none', async () => {
  const kms = { listGrants: inPages('Grants') } as unknown as KmsPort;
  expect(await listGrants(kms, 'a')).toEqual([]);
});
