import { createHash, randomBytes } from 'node:crypto';
import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import { reconcile } from '../../../infra/keys/reconcile.ts';
import { callJson } from '../../aws/aws-client.ts';
import { cloudTrailEvent } from '../../aws/trail.ts';
import { askSigner } from './denials.ts';
import { accessOf, callingZone, keyOf, needsEntries } from './facts.ts';
import { assert, linesDuring, type Step } from './step.ts';

/** Of two signatures with one key, the one that no signer tells of is named: somebody has a signer's credentials and its network. */
export const forgedSignFound: Step = {
  name: 'forged-sign-found',
  unfit: needsEntries(callingZone),
  async run(system) {
    const { askerName, signerName, grant, client } = callingZone(system);
    const { keyArn: KeyId, kid } = keyOf(system, grant.client);
    const { hash, kmsSigningAlgorithm: SigningAlgorithm } = ALGORITHMS[client.algorithm];
    const Message = createHash(hash).update(randomBytes(32)).digest('base64');
    const sign = { KeyId, Message, MessageType: 'DIGEST', SigningAlgorithm };
    const intent = { kind: 'client_assertion', client: grant.client, issuer: client.issuer };
    const { lines } = await linesDuring(system, async () => {
      await askSigner(system, accessOf(system, askerName, 'lambda'), intent);
      const { error } = await callJson(accessOf(system, signerName, 'kms'), 'kms', 'TrentService.Sign', sign);
      assert(error === undefined, `a signature by hand failed: ${error?.code}`);
    });
    const records = lines.flatMap((line) => [cloudTrailEvent(line), line.fields]);
    const { matched, unaudited, unrecorded } = reconcile(
      records,
      new Map([[KeyId, { kid, signers: [signerName] }]]),
      system.declaration.name,
    );
    assert(
      matched === 1 && unaudited.length === 1 && unrecorded.length === 0,
      `${matched} signatures matched, ${unaudited.length} in CloudTrail alone, ${unrecorded.length} in the audit alone`,
    );
    return `of two signatures, npm run audit names the one by hand: ${unaudited[0]?.requestID}`;
  },
};
