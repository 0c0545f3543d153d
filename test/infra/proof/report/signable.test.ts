import { expect, test } from 'vitest';
import { resolveAssembly } from '../../../../infra/proof/assembly/resolve.ts';
import { readInput } from '../../../../infra/proof/read-input.ts';
import { readSignable, reportSignable } from '../../../../infra/proof/report/signable.ts';
import system from '../../../one-client.zones.ts';
import { find, PUBLIC, signer, withAsset, withTemplate } from '../mutate.ts';
import { oneClient } from '../one-client.ts';

const inputOf = (assembly: typeof oneClient) => readInput(resolveAssembly(assembly), system);
const SIGNER = 'journal-signer-journal-public';
const of = (assembly: typeof oneClient) =>
  readSignable(inputOf(assembly)).find((one) => one.signer === SIGNER);

test('each signer signs what the declaration says', () => {
  expect(of(oneClient)).toMatchObject({
    zone: 'public',
    client: 'journal',
    issuer: system.clients.journal.issuer,
    requestObjects: false,
    askedBy: ['api', 'callback', 'login', 'logout', 'session', 'summary'].map(
      (name) => `journal-public-${name}`,
    ),
    organisations: system.zones.public.grants[0].details,
    proofs: [
      { methods: ['POST'], urls: ['https://helseid-sts.test.nhn.no/*'], token: false },
      { methods: ['GET'], urls: ['https://summaries.example.no/v1/summaries/*'], token: true },
    ],
    loginScopes: system.zones.public.gateway.login.scopes,
  });
});

test('it is read from the grant in the signer’s asset, whatever is declared', () => {
  const edited = withAsset(oneClient, SIGNER, 'grant.json', (text) => {
    const grant = JSON.parse(text);
    grant.proofs[1].methods.push('DELETE');
    return JSON.stringify({ ...grant, requestObjects: true, assertions: { details: 'any' } });
  });
  expect(of(edited)).toMatchObject({ requestObjects: true, organisations: 'any' });
  const lines = reportSignable(inputOf(edited), 120);
  expect(lines).toMatch(/organisations +\*\n/);
  expect(lines).toContain('DELETE https://summaries.example.no/v1/summaries/*');
});

test('who may ask is what policies say', () => {
  const open = withTemplate(oneClient, PUBLIC, (r) => {
    const statements = find(r, 'summaryRole').Properties['Policies'];
    find(r, 'summaryRole').Properties['Policies'] = [];
    expect(JSON.stringify(statements)).toContain(signer('public').split(':').at(-1));
  });
  expect(of(open)?.askedBy).not.toContain('journal-public-summary');
});
