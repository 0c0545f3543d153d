import { isDeepStrictEqual } from 'node:util';
import { deriveGrants } from '../../../declaration/derive.ts';
import { signerName } from '../../../declaration/names.ts';
import { readAsset } from '../../assembly/contents/read-asset.ts';
import { parseJson } from '../../assembly/json.ts';
import { SIGNING } from '../../assembly/network.ts';
import { resourcesOfType } from '../../assembly/resolve.ts';
import { type CapabilityRule, capabilityRule, requirement, throughOwnEndpoint } from '../capability.ts';
import { type Rule, resourceRule } from '../rule.ts';
import { askedOfZone, filesOf, plain, recordArn, rotationArn, variablesOf } from '../targets.ts';

/**
 * A zone's functions invoke the zone's own signers, or its tokens function and then no signer, unqualified (an old version may have a
 * wider grant), through the zone's own endpoint, and no other function. What Secrets Manager does for the key watch is the one other invocation.
 */
export const ownSignersOnly: CapabilityRule = capabilityRule({
  name: 'own-signers-only',
  invariant: 'I2',
  title:
    'A zone invokes its own signers only, or where a function has its tokens that one, unqualified, and only through its own endpoint.',
  actions: ['lambda:InvokeFunction', 'lambda:InvokeAsync', 'lambda:InvokeFunctionUrl'],
  // What AWS does on behalf of the admin zone's functions passes no endpoint.
  by: (actor, action) =>
    actor.asks && !actor.admin && action === 'lambda:InvokeFunction'
      ? ['identity policy', 'permissions boundary', 'endpoint policy']
      : ['identity policy'],
  allows: (actor, input) => {
    const { asks, zone } = actor;
    if (!asks) return [];
    const here = throughOwnEndpoint(actor, 'lambda');
    const rotation = rotationArn(actor, input);
    const byService = requirement({ Bool: { 'aws:ViaAWSService': 'true' } });
    const actions = ['lambda:InvokeFunction'];
    return [
      { actions, resources: askedOfZone(input, zone, asks), requires: [here] },
      ...(actor.admin ? [{ actions, resources: [rotation], requires: [byService] }] : []),
    ];
  },
  remedy:
    'Name the unqualified ARN of the zone’s own signer, or tokens function, with the zone’s own aws:SourceVpce, in identity policy, boundary and endpoint policy.',
});

/** What a bundle must hold to call KMS Sign: the operation on the wire, or the SDK's command for it. */
const SIGN = [/TrentService\.Sign(?![A-Za-z])/, /\bSignCommand\b/, /GenerateDataKeyPair(?![A-Za-z])/];
const SDK_SIGN = /["'`]Sign["'`]/;

/**
 * No function outside the signing zone carries the code to call KMS Sign. Hygiene, not a layer: Lambda's managed runtimes
 * ship the whole SDK, so code that got in could load it from there. What stops the call is policy.
 */
export const onlySignersCanSign: Rule = resourceRule({
  name: 'only-signers-can-sign',
  invariant: 'I6',
  title: 'No asset of a function outside the signing zone contains KMS Sign.',
  problems: ({ assetPath, zone }) =>
    assetPath === undefined || zone === SIGNING
      ? []
      : readAsset(assetPath).map(
          ({ name, text }) =>
            (SIGN.some((sign) => sign.test(text)) ||
              (text.includes('TrentService') && SDK_SIGN.test(text))) &&
            `has ${name} in its asset, which contains KMS Sign`,
        ),
  remedy: 'Ask the signer instead; import the KMS client in functions/signer only.',
});

/** The files of a signer's asset, and the variables of its environment. */
const CODE = 'index.mjs';
const FILES = ['grant.json', CODE, 'index.mjs.map'];
const VARIABLES = ['NODE_OPTIONS', 'RECORD_ARN'];

/**
 * The functions of the signing zone are the declaration's signers, all with the same code, each with exactly the grant that
 * the declaration gives its zone and client. What that code does is tested, not proved here.
 */
export const signersAreDeclared: Rule = resourceRule({
  name: 'signers-are-declared',
  invariant: 'I3',
  title:
    'The signing zone runs the declaration’s signers only, with one code, each with the grant that the declaration gives it.',
  of: ['AWS::Lambda::Function'],
  problems: (fn, input) => {
    if (fn.zone !== SIGNING) return [];
    const { assembly, declaration } = input;
    const grant = deriveGrants(declaration).find(
      ({ client, zone }) => signerName(declaration.name, client, zone) === fn.physicalId,
    );
    if (grant === undefined) return ['is of no declared grant'];
    const codes = Map.groupBy(
      resourcesOfType(assembly, 'AWS::Lambda::Function').filter(({ zone }) => zone === SIGNING),
      (signer) => filesOf(signer).get(CODE),
    );
    const [[usual] = []] = [...codes].sort(([, one], [, other]) => other.length - one.length);
    const { Handler: handler, ReservedConcurrentExecutions: reserved } = fn.properties;
    const files = filesOf(fn);
    const variables = variablesOf(fn);
    const record = recordArn(input, grant.client);
    return [
      !isDeepStrictEqual(parseJson(files.get('grant.json')), plain(grant)) &&
        'has another grant in its asset than the declaration gives it',
      ...[...files.keys()].map((name) => !FILES.includes(name) && `has ${name} in its asset`),
      files.get(CODE) !== usual && 'has other code than the other signers',
      handler !== 'index.handler' && `begins at ${String(handler)}`,
      ...Object.keys(variables).map((name) => !VARIABLES.includes(name) && `has ${name} in its environment`),
      variables.RECORD_ARN !== record && `reads another record than ${grant.client}'s`,
      !(reserved === undefined && declaration.reservedConcurrency === 'none') &&
        !(Number(reserved) > 0) &&
        'has no concurrency of its own, so that others can starve it',
    ];
  },
  subject: ({ physicalId }) => `Signer ${physicalId}`,
  path: ({ constructPath }) => [constructPath, 'its code and its grant', 'what it signs'],
  remedy: 'Synthesize again from zones.ts; grants are written there and nowhere else.',
});
