import { fillKeyPolicy, samePolicy } from '@helseid-zones/protocol/fill-key-policy';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyPolicyTemplate, renderKeyPolicy } from '../../infra/render-key-policy.ts';
import { coded } from '../coded.ts';

const FACTS = { system: 'journal', client: 'journal', algorithm: 'ES256' } as const;
const VALUES = { account: '111122223333', signingVpc: 'vpc-1' };
const template = { ...keyPolicyTemplate(FACTS) };

test('a filled template is what the infrastructure renders', () => {
  const filled = JSON.parse(fillKeyPolicy(template, VALUES, 'ES256'));
  expect(filled).toEqual(JSON.parse(JSON.stringify(renderKeyPolicy({ ...FACTS, ...VALUES }))));
});

test('a key made for another algorithm keeps its own', () => {
  const filled = JSON.parse(fillKeyPolicy(template, VALUES, 'PS512'));
  const rendered = renderKeyPolicy({ ...FACTS, ...VALUES, algorithm: 'PS512' });
  expect(filled).toEqual(JSON.parse(JSON.stringify(rendered)));
});

test('a placeholder that nobody fills is refused', () => {
  expect(() => fillKeyPolicy({ a: '${Region}' }, VALUES, 'ES256')).toThrow(coded('config_invalid'));
});

test('order and single entries in lists do not count, everything else does', () => {
  expect(samePolicy('{"a":["x","y"],"b":"z"}', '{ "b": ["z"], "a": ["y", "x"] }')).toBe(true);
  const [one, other] = ['{"c":1,"b":2,"a":3}', '{"a":3,"b":2,"c":1}'];
  expect(samePolicy(`{"s":[${one},{}]}`, `{"s":[{},${other}]}`)).toBe(true);
  expect(samePolicy('{"a":["x","y"]}', '{"a":["x"]}')).toBe(false);
  expect(samePolicy('{"a":"x"}', '{"a":"X"}')).toBe(false);
  expect(samePolicy('{"a":"x"}', '{"a":"x","b":{}}')).toBe(false);
  expect(samePolicy('not JSON', '{}')).toBe(false);
});

test('any change of one text in the policy is seen', () => {
  const text = fillKeyPolicy(template, VALUES, 'ES256');
  const places = [...text.matchAll(/"[^"]+"/g)].map(({ index }) => index + 1);
  fc.assert(
    fc.property(fc.constantFrom(...places), (at) => {
      const changed = `${text.slice(0, at)}x${text.slice(at)}`;
      expect(samePolicy(text, changed)).toBe(false);
    }),
    { numRuns: 100 },
  );
});
