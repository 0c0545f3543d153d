import { createCipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createId,
  digest,
  equalSecrets,
  isId,
  itemKey,
  seal,
  unseal,
} from '../../../functions/login-common/secrets.ts';
import { coded } from '../../coded.ts';

describe('secret ids', () => {
  it('are 256 bits, and never the same', () => {
    const ids = Array.from({ length: 100 }, createId);
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect([isId(id), Buffer.from(id, 'base64url').length]).toEqual([true, 32]);
  });

  it('have one spelling', () => {
    const id = `${'A'.repeat(42)}A`;
    expect(isId(id)).toBe(true);
    // The last character has two bits too many: they must be zero.
    for (const other of [
      `${'A'.repeat(42)}B`,
      `${id}=`,
      id.slice(1),
      `${id}A`,
      `${'A'.repeat(42)}+`,
      ` ${id}`,
      `${id}\n`,
    ])
      expect(isId(other)).toBe(false);
  });

  it('are in the table as their SHA-256 only', () => {
    const id = createId();
    expect(itemKey('session', id)).toBe(`session#${createHash('sha256').update(id).digest('base64url')}`);
    expect(itemKey('login', id)).not.toBe(itemKey('session', id));
  });
});

describe('sealed values', () => {
  it('open with their id, for their item, and give what was sealed', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, pk) => {
        const id = createId();
        expect(JSON.stringify(unseal(id, pk, seal(id, pk, value)))).toBe(JSON.stringify(value));
      }),
      { numRuns: 200 },
    );
  });

  it('open by their format alone: one of a newer release is no session', () => {
    const [id, pk, iv] = [createId(), 'session#a', randomBytes(12)];
    const sealAs = (format: string) => {
      const info = `helseid-zones sealed item ${format}\n${pk}`;
      const key = hkdfSync('sha256', Buffer.from(id, 'base64url'), '', info, 32);
      const cipher = createCipheriv('aes-256-gcm', Buffer.from(key), iv).setAAD(Buffer.from(pk));
      const text = Buffer.concat([cipher.update('{"a":1}'), cipher.final()]);
      return Buffer.concat([iv, text, cipher.getAuthTag()]).toString('base64url');
    };
    expect(unseal(id, pk, sealAs('v1'))).toEqual({ a: 1 });
    expect(() => unseal(id, pk, sealAs('v2'))).toThrow(coded('session_invalid'));
  });

  it('do not open otherwise', () => {
    const [id, pk] = [createId(), 'session#a'];
    const sealed = seal(id, pk, { secret: 'value' });
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('value');
    const wrong: [string, string, string][] = [
      [createId(), pk, sealed],
      [id, 'session#b', sealed],
      [id, pk, sealed.slice(4)],
      [id, pk, sealed.slice(0, -4)],
      [id, pk, ''],
      [id, pk, 'AAAA'],
    ];
    for (const args of wrong) expect(() => unseal(...args)).toThrow(coded('session_invalid'));
  });

  it('do not open with any bit changed', () => {
    const [id, pk] = [createId(), 'session#a'];
    const bytes = Buffer.from(seal(id, pk, 'value'), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => unseal(id, pk, changed.toString('base64url'))).toThrow(coded('session_invalid'));
    }
  });

  it('are different each time, though the value is the same', () => {
    const id = createId();
    expect(seal(id, 'pk', 'value')).not.toBe(seal(id, 'pk', 'value'));
  });
});

describe('digests', () => {
  it('tell lists of parts apart', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (a, b) => {
        expect(digest(...a) === digest(...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
    expect(digest('ab', 'c')).not.toBe(digest('a', 'bc'));
  });

  it('compare', () => {
    expect(equalSecrets('a', 'a')).toBe(true);
    for (const [a, b] of [
      ['a', 'b'],
      ['a', 'aa'],
      ['', 'a'],
    ] as const)
      expect(equalSecrets(a, b)).toBe(false);
  });
});
