import { signRequest, signResponse } from '@helseid-zones/protocol/intents';
import { tokenRequests, tokenResponses } from '@helseid-zones/protocol/token-request';
import { toJsonSchema } from '@valibot/to-json-schema';
import { expect, test } from 'vitest';

// For signers and functions in other languages. Written anew by: npm test -- test/protocol/json-schema -u
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
  [
    'token-request',
    tokenRequests,
    "What a zone's tokens function is asked: headers of one API call, or of up to eight.",
  ],
  [
    'token-response',
    tokenResponses,
    "What a zone's tokens function answers: headers ready to be sent, or a coded error; a list for a list.",
  ],
] as const)('protocol/%s.schema.json is the shape that is parsed', async (name, schema, description) => {
  const { $schema, ...shape } = toJsonSchema(schema, { target: 'draft-2020-12' });
  const text = `${JSON.stringify({ $schema, title: name, description, ...shape }, undefined, 2)}\n`;
  await expect(text).toMatchFileSnapshot(`../../protocol/${name}.schema.json`);
});
