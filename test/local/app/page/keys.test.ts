import { expect, test } from 'vitest';
import { renderKeys } from '../../../../local/app/page/document.ts';
import { readKeys } from '../../../../local/app/page/start.ts';
import shipped from '../../../one-client.zones.ts';
import { secretStoreOf } from '../../aws/harness.ts';

const [client, { clientId, issuer }] = Object.entries(shipped.clients)[0] ?? [
  '',
  { clientId: '', issuer: '' },
];
const key = {
  kid: 'k'.repeat(43),
  keyArn: 'arn:aws:kms:eu-north-1:000000000000:key/1',
  algorithm: 'ES256',
  state: 'current',
  since: { created: 1, current: 2 },
};

function readRecord(record: object) {
  const name = `${shipped.name}/client/${client}`;
  const arn = `arn:aws:secretsmanager:eu-north-1:000000000000:secret:${name}-aaaaaa`;
  const secrets = secretStoreOf({ arn, name, initialText: JSON.stringify(record) });
  return readKeys(shipped, secrets);
}

test('the keys of every client, from the current version of its record', () => {
  expect(readRecord({ version: 1, client, clientId, issuer, keys: [key] })).toEqual([
    { client, clientId, keys: [key] },
  ]);
  expect(readRecord({ version: 1, keys: [] })).toEqual([{ client, clientId, keys: [] }]);
});

test('a record that can’t be read is a problem that is shown, not one that ends the page', () => {
  const [read] = readRecord({
    version: 1,
    client,
    clientId,
    issuer: 'https://elsewhere.example',
    keys: [key],
  });
  expect(read).toMatchObject({ client, keys: [], problem: expect.stringContaining('another issuer') });
});

test('keys are shown with the days they have left, and nothing in them as markup', () => {
  const shown = readRecord({ version: 1, client, clientId, issuer, keys: [{ ...key, expires: 3 * 86_400 }] });
  const [first = { client, clientId, keys: [] }] = shown;
  expect(renderKeys(shown, 86_400)).toContain('data-label="Days left">2</td>');
  expect(renderKeys(shown, 0)).toMatch(/"Created"><time datetime="19\d\d-[\d-]+T[\d:.]+Z">/);
  expect(renderKeys([{ ...first, clientId: '<b>' }], 0)).not.toContain('<b>');
  expect(renderKeys([{ ...first, keys: [], problem: 'a & b' }], 0)).toContain('<p class="bad">a &#38; b</p>');
});
