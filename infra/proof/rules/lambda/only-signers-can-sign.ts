import { readAsset } from '../../assembly/contents/read-asset.ts';
import { SIGNING } from '../../network/model.ts';
import type { Rule } from '../rule.ts';

/** What a bundle must hold to call KMS Sign: the operation on the wire, or the SDK's command for it. */
const SIGN = [/TrentService\.Sign(?![A-Za-z])/, /\bSignCommand\b/, /GenerateDataKeyPair(?![A-Za-z])/];
const SDK_SIGN = /["'`]Sign["'`]/;

/**
 * No function outside the signing zone carries the code to call KMS Sign. Hygiene, not a layer: Lambda's managed runtimes
 * ship the whole SDK, so code that got in could load it from there. What stops the call is policy.
 */
export const onlySignersCanSign: Rule = {
  name: 'only-signers-can-sign',
  invariant: 'I6',
  title: 'No asset of a function outside the signing zone contains KMS Sign.',
  check: ({ assembly }) =>
    assembly.resources
      .filter(({ assetPath, zone }) => assetPath !== undefined && zone !== SIGNING)
      .flatMap(({ assetPath = '', constructPath }) =>
        readAsset(assetPath)
          .filter(
            ({ text }) =>
              SIGN.some((sign) => sign.test(text)) || (text.includes('TrentService') && SDK_SIGN.test(text)),
          )
          .map(({ name }) => ({
            resource: constructPath,
            message: `${name} of its asset contains KMS Sign.`,
            path: [constructPath, name, 'kms:Sign'],
            remedy: 'Ask the signer instead; import the KMS client in functions/signer only.',
          })),
      ),
};
