import { signRequest, signResponse } from '@helseid-zones/protocol/intents';
import { toJsonSchema } from '@valibot/to-json-schema';
import { expect, test } from 'vitest';

// For signers in other languages. Written anew by: npm test -- test/protocol/json-schema -u
test.each([
  [
    'sign-request',
    signRequest,
    'What a signer is asked: parse.ts and check-grant.ts know more of what is wrong.',
  ],
  [
    'sign-response',
    signResponse,
    'What a signer answers: signatures in the order of the intents, or a coded error.',
  ],
] as const)('protocol/%s.schema.json is the shape that is parsed', async (name, schema, description) => {
  const { $schema, ...shape } = toJsonSchema(schema, { target: 'draft-2020-12' });
  const text = `${JSON.stringify({ $schema, title: name, description, ...shape }, undefined, 2)}\n`;
  await expect(text).toMatchFileSnapshot(`../../protocol/${name}.schema.json`);
});
