import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../infra/proof/assembly/json.ts';
import { CAPABILITIES } from '../../../../infra/proof/rules/capabilities.ts';
import type { Rule } from '../../../../infra/proof/rules/rule.ts';
import {
  ACCOUNT,
  allowed,
  arnOf,
  denied,
  document,
  folderOf,
  functionOf,
  KEY_POLICIES,
  roleOf,
  signingSystem,
  trusting,
} from '../small-roles.ts';
import { endpoint, inputOf, type Resources, ruleNamed, zoneNetwork } from '../small-system.ts';

const ownDataOnly = ruleNamed('own-data-only');
const actionsAreKnown = ruleNamed('actions-are-known');
const rolesAreBounded = ruleNamed('roles-are-bounded');
const rolesAreTrustedByOneService = ruleNamed('roles-are-trusted-by-one-service');
const keysAreMadeByRotation = ruleNamed('keys-are-made-by-rotation');
const keysAreSwitchedByAdmin = ruleNamed('keys-are-switched-by-admin');
const keysDoNotDelegate = ruleNamed('keys-do-not-delegate');
const madeKeysAreClosed = ruleNamed('made-keys-are-closed');
const ownDataKeysOnly = ruleNamed('own-data-keys-only');
const signIsForSigners = ruleNamed('sign-is-for-signers');
const signingIsBound = ruleNamed('signing-is-bound');
const interfacesAreLambdas = ruleNamed('interfaces-are-lambdas');
const ownSignersOnly = ruleNamed('own-signers-only');
const logsAreOwn = ruleNamed('logs-are-own');
const recordsAreKeptByAdmin = ruleNamed('records-are-kept-by-admin');
const recordsAreReadByOwn = ruleNamed('records-are-read-by-own');

const entriesAreNotChanged = ruleNamed('entries-are-not-changed');
const identitiesAreNotChanged = ruleNamed('identities-are-not-changed');
const nobodyDeploys = ruleNamed('nobody-deploys');
const rolesAreNotAssumed = ruleNamed('roles-are-not-assumed');
const keysAreNotCaptured = ruleNamed('keys-are-not-captured');
const functionsAreNotChanged = ruleNamed('functions-are-not-changed');
const logsAreNotTapped = ruleNamed('logs-are-not-tapped');
const networksAreNotChanged = ruleNamed('networks-are-not-changed');

const PUBLIC = 'journal-zone-public';
const INTERNAL = 'journal-zone-internal';
const ADMIN = 'journal-zone-admin';
const SUMMARY = 'journal-public-summary';

type System = Record<string, Resources>;

/** Stacks, the assets beside them, and what the messages say; undefined where there is nothing to say. */
type Case = readonly [rule: Rule, name: string, system: System, expected: RegExp | undefined];

/** A zone with a role that may do what is given, as its boundary has it too. */
function summary(...statements: readonly JsonObject[]): System {
  return { [PUBLIC]: roleOf('public', SUMMARY, statements) };
}

/** A function of the admin zone, with an endpoint for the service. */
function admin(
  name: string,
  service: string,
  statements: readonly JsonObject[],
  boundary = statements,
): System {
  return {
    [ADMIN]: {
      ...zoneNetwork('10.40.0.0/20'),
      ...endpoint(service, { PolicyDocument: document({ ...allowed('*'), Principal: '*' }) }),
      ...roleOf('admin', `journal-admin-${name}`, statements, boundary),
      ...functionOf(`journal-admin-${name}`),
    },
  };
}

/** A role that API Gateway can become and that may write every log, with or without an account that names it. */
function gatewayRole(stack: string, named: boolean): System {
  const Role = {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: trusting({ Service: 'apigateway.amazonaws.com' }),
      Policies: [{ PolicyName: 'own', PolicyDocument: document(allowed('logs:PutLogEvents')) }],
    },
  };
  const role = { CloudWatchRoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] } };
  return {
    [stack]: { Role, ...(named && { Account: { Type: 'AWS::ApiGateway::Account', Properties: role } }) },
  };
}

const here = (service: string) => ({ 'aws:SourceVpce': { Ref: `${service}Endpoint` } });
const signer = arnOf('lambda', 'function:journal-signer-journal-public');

/** A zone that asks its signer through its endpoint; `through` is the endpoint's statement. */
function asking(own: JsonObject, through: JsonObject = {}): System {
  const invoke = allowed('lambda:InvokeFunction', signer, { StringEquals: here('lambda') });
  const boundary = [invoke, denied('lambda:InvokeFunction', { StringNotEquals: here('lambda') })];
  const policy = { ...allowed('lambda:InvokeFunction', signer), Principal: '*', ...through };
  return {
    [PUBLIC]: {
      ...zoneNetwork('10.10.0.0/20'),
      ...endpoint('lambda', { PolicyDocument: document(policy) }),
      ...roleOf('public', SUMMARY, [own], boundary),
    },
  };
}

const record: Resources = {
  Record: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'journal/client/journal' } },
};
const RECORD = inputOf({ 'journal-signing': record }).assembly.resources[0]?.arn ?? '';
const key = (stack: string) => ({
  stack,
  arn: inputOf({ [stack]: { Key: { Type: 'AWS::KMS::Key' } } }).assembly.resources[0]?.arn ?? '',
});
const publicKey = key(PUBLIC);
const viaTables = { StringEquals: { 'kms:ViaService': 'dynamodb.eu-north-1.amazonaws.com' } };
const making = {
  StringEquals: {
    ...here('kms'),
    'aws:RequestTag/helseid-zones:system': 'journal',
    'aws:RequestTag/helseid-zones:client': 'journal',
    'kms:KeySpec': 'ECC_NIST_P256',
    'kms:KeyUsage': 'SIGN_VERIFY',
    'kms:KeyOrigin': 'AWS_KMS',
  },
  Bool: { 'kms:MultiRegion': 'false' },
  BoolIfExists: { 'kms:BypassPolicyLockoutSafetyCheck': 'false' },
  'ForAllValues:StringEquals': {
    'aws:TagKeys': ['helseid-zones:system', 'helseid-zones:client', 'helseid-zones:request'],
  },
};
const ofSystem = { StringEquals: { ...here('kms'), 'aws:ResourceTag/helseid-zones:system': 'journal' } };
const neverKeys = denied([
  'kms:CreateGrant',
  'kms:ImportKeyMaterial',
  'kms:PutKeyPolicy',
  'kms:ReplicateKey',
  'kms:ScheduleKeyDeletion',
  'kms:Sign',
]);
const interfaces = 'ec2:CreateNetworkInterface';
const byCode = (operator: string, value: unknown) => ({ [operator]: { 'lambda:SourceFunctionArn': value } });

const CASES: readonly Case[] = [
  [keysAreNotCaptured, 'nothing of the kind', summary(allowed('logs:PutLogEvents')), undefined],
  [
    keysAreNotCaptured,
    're-policying',
    summary(allowed('kms:PutKeyPolicy')),
    /may kms:PutKeyPolicy on .*: when|always/,
  ],
  [
    keysAreNotCaptured,
    'a grant, held by the boundary only',
    { [PUBLIC]: roleOf('public', SUMMARY, [allowed('kms:CreateGrant')], []) },
    /held by permissions boundary only/,
  ],
  [identitiesAreNotChanged, 'reading about roles', summary(allowed('iam:GetRole')), undefined],
  [identitiesAreNotChanged, 'passing roles', summary(allowed('iam:PassRole')), /may iam:PassRole/],
  [rolesAreNotAssumed, 'who am I', summary(allowed('sts:GetCallerIdentity')), undefined],
  [
    rolesAreNotAssumed,
    'a bootstrap role',
    summary(allowed('sts:AssumeRole', `arn:aws:iam::${ACCOUNT}:role/cdk-*`)),
    /may sts:AssumeRole/,
  ],
  [
    rolesAreNotAssumed,
    'a role that trusts it',
    {
      ...summary(),
      [INTERNAL]: {
        Other: {
          Type: 'AWS::IAM::Role',
          Properties: {
            AssumeRolePolicyDocument: trusting({ AWS: `arn:aws:iam::${ACCOUNT}:role/${SUMMARY}` }),
          },
        },
      },
    },
    /may sts:AssumeRole|held by/,
  ],
  [functionsAreNotChanged, 'asking', summary(allowed('lambda:InvokeFunction')), undefined],
  [
    functionsAreNotChanged,
    'code',
    summary(allowed('lambda:UpdateFunctionCode', signer)),
    /may lambda:UpdateFunctionCode/,
  ],
  [networksAreNotChanged, 'looking', summary(allowed('ec2:DescribeSubnets')), undefined],
  [
    networksAreNotChanged,
    'endpoints',
    summary(allowed('ec2:ModifyVpcEndpoint')),
    /may ec2:ModifyVpcEndpoint/,
  ],
  [nobodyDeploys, 'nothing', summary(), undefined],
  [
    nobodyDeploys,
    'a stack',
    summary(allowed('cloudformation:UpdateStack')),
    /may cloudformation:UpdateStack/,
  ],
  [
    nobodyDeploys,
    'an asset',
    summary(allowed('s3:PutObject', 'arn:aws:s3:::cdk-hnb659fds-assets/*')),
    /may s3:PutObject/,
  ],
  [logsAreNotTapped, 'writing', summary(allowed('logs:PutLogEvents')), undefined],
  [
    logsAreNotTapped,
    'a subscription',
    summary(allowed('logs:PutSubscriptionFilter')),
    /may logs:PutSubscriptionFilter/,
  ],
  [entriesAreNotChanged, 'an event', summary(allowed('events:PutEvents')), undefined],
  [entriesAreNotChanged, 'targets', summary(allowed('events:PutTargets')), /may events:PutTargets/],
  [
    logsAreOwn,
    'its own log',
    summary(allowed('logs:PutLogEvents', arnOf('logs', 'log-group:/journal/public/summary:*'))),
    undefined,
  ],
  [
    logsAreOwn,
    'another zone’s log',
    summary(allowed('logs:PutLogEvents', arnOf('logs', 'log-group:/journal/internal/worker:*'))),
    /may logs:PutLogEvents/,
  ],
  [logsAreOwn, 'API Gateway’s role, by the account that names it', gatewayRole('More', true), undefined],
  [
    logsAreOwn,
    'a role of API Gateway’s that no account names',
    gatewayRole('journal-gateway-account', false),
    /may logs:/,
  ],
  [logsAreOwn, 'reading', summary(allowed('logs:FilterLogEvents')), /may logs:FilterLogEvents/],
  [
    ownDataOnly,
    'its own table',
    summary(allowed('dynamodb:GetItem', arnOf('dynamodb', 'table/journal-public-sessions'))),
    undefined,
  ],
  [
    ownDataOnly,
    'another zone’s table',
    summary(allowed('dynamodb:GetItem', arnOf('dynamodb', 'table/journal-internal-idempotency'))),
    /may dynamodb:GetItem/,
  ],
  [ownDataOnly, 'every queue', summary(allowed('sqs:ReceiveMessage')), /may sqs:ReceiveMessage/],
  [
    ownDataKeysOnly,
    'its own key, through a service',
    {
      [PUBLIC]: {
        Key: { Type: 'AWS::KMS::Key' },
        ...roleOf('public', SUMMARY, [allowed('kms:Decrypt', publicKey.arn, viaTables)]),
      },
    },
    undefined,
  ],
  [
    ownDataKeysOnly,
    'its own key, directly',
    {
      [PUBLIC]: {
        Key: {
          Type: 'AWS::KMS::Key',
          Properties: {
            KeyPolicy: document({
              ...allowed('kms:Decrypt'),
              Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
            }),
          },
        },
        ...roleOf('public', SUMMARY, [allowed('kms:Decrypt', publicKey.arn)]),
      },
    },
    /not only when kms:ViaService/,
  ],
  [
    ownDataKeysOnly,
    'another zone’s key',
    summary(allowed('kms:Decrypt', key(INTERNAL).arn, viaTables)),
    /may kms:Decrypt/,
  ],
  [
    interfacesAreLambdas,
    'denied to code',
    {
      [PUBLIC]: roleOf(
        'public',
        SUMMARY,
        [
          allowed(interfaces),
          denied(interfaces, byCode('ArnEquals', arnOf('lambda', `function:${SUMMARY}`))),
        ],
        [allowed(interfaces), denied(interfaces, byCode('Null', 'false'))],
      ),
    },
    undefined,
  ],
  [
    interfacesAreLambdas,
    'not denied',
    summary(allowed(interfaces)),
    /not only when lambda:SourceFunctionArn/,
  ],
  [
    ownSignersOnly,
    'its own signer',
    asking(allowed('lambda:InvokeFunction', signer, { StringEquals: here('lambda') })),
    undefined,
  ],
  [
    ownSignersOnly,
    'from anywhere',
    asking(allowed('lambda:InvokeFunction', signer)),
    /only when aws:SourceVpce/,
  ],
  [
    ownSignersOnly,
    'old versions',
    asking(allowed('lambda:InvokeFunction', `${signer}:*`, { StringEquals: here('lambda') })),
    /identity policy should too/,
  ],
  [
    ownSignersOnly,
    'an endpoint for every function',
    asking(allowed('lambda:InvokeFunction', signer, { StringEquals: here('lambda') }), { Resource: '*' }),
    /endpoint policy should too/,
  ],
  [recordsAreReadByOwn, 'nothing', { 'journal-signing': record, ...summary() }, undefined],
  [
    recordsAreReadByOwn,
    'a zone',
    { 'journal-signing': record, ...summary(allowed('secretsmanager:GetSecretValue')) },
    /may secretsmanager:GetSecretValue/,
  ],
  [
    recordsAreKeptByAdmin,
    'the admin zone',
    {
      'journal-signing': record,
      ...admin('rotation', 'secretsmanager', [
        allowed('secretsmanager:PutSecretValue', RECORD, { StringEquals: here('secretsmanager') }),
      ]),
    },
    undefined,
  ],
  [
    recordsAreKeptByAdmin,
    'from anywhere',
    {
      'journal-signing': record,
      ...admin('rotation', 'secretsmanager', [allowed('secretsmanager:PutSecretValue', RECORD)]),
    },
    /only when aws:SourceVpce/,
  ],
  [
    recordsAreKeptByAdmin,
    'another zone',
    { 'journal-signing': record, ...summary(allowed('secretsmanager:UpdateSecretVersionStage')) },
    /may secretsmanager:UpdateSecretVersionStage/,
  ],
  [
    keysAreMadeByRotation,
    'rotation',
    admin('rotation', 'kms', [allowed('kms:CreateKey', '*', making)]),
    undefined,
  ],
  [
    keysAreMadeByRotation,
    'the key watch',
    admin('key-watch', 'kms', [allowed('kms:CreateKey', '*', making)]),
    /may kms:CreateKey/,
  ],
  [
    keysAreMadeByRotation,
    'of any kind',
    admin('rotation', 'kms', [allowed('kms:CreateKey', '*', { StringEquals: here('kms') })]),
    /not only when kms:KeySpec/,
  ],
  [
    keysAreSwitchedByAdmin,
    'the system’s keys',
    admin('key-watch', 'kms', [allowed('kms:DisableKey', arnOf('kms', 'key/*'), ofSystem)]),
    undefined,
  ],
  [
    keysAreSwitchedByAdmin,
    'every key',
    admin('key-watch', 'kms', [
      allowed('kms:DisableKey', arnOf('kms', 'key/*'), { StringEquals: here('kms') }),
    ]),
    /not only when aws:ResourceTag/,
  ],
  [
    madeKeysAreClosed,
    'denied outright',
    admin('rotation', 'kms', [allowed('kms:CreateKey')], [allowed('kms:CreateKey'), neverKeys]),
    undefined,
  ],
  [
    madeKeysAreClosed,
    'left out only',
    admin('rotation', 'kms', [allowed('kms:CreateKey')]),
    /kms:Sign with a key whose policy names it/,
  ],
  [signIsForSigners, 'a signer', signingSystem(), undefined],
  [
    signIsForSigners,
    'a zone',
    { ...signingSystem(), ...summary(allowed('kms:Sign')) },
    /can't kms:Sign .* held by/,
  ],
  [signingIsBound, 'everything bound', signingSystem(), undefined],
  [
    signingIsBound,
    'no digest in the role',
    signingSystem({ statement: allowed('kms:Sign', arnOf('kms', 'key/*')) }),
    /identity policy should too/,
  ],
  [
    signingIsBound,
    'no denial in the boundary',
    signingSystem({ boundary: [] }),
    /permissions boundary should too|two layers/,
  ],
  [
    signingIsBound,
    'an open endpoint',
    signingSystem({ endpoint: allowed('kms:*') }),
    /endpoint policy should too/,
  ],
  [
    actionsAreKnown,
    'known ones',
    summary(allowed(['logs:PutLogEvents', 'xray:PutTraceSegments'])),
    undefined,
  ],
  [actionsAreKnown, 'a wildcard', summary(allowed('kms:*')), /allows kms:\*/],
  [actionsAreKnown, 'an unknown service', summary(allowed('madeup:Act')), /allows madeup:Act/],
  [
    actionsAreKnown,
    'AWS’s own policy',
    {
      [PUBLIC]: {
        Role: {
          Type: 'AWS::IAM::Role',
          Properties: { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] },
        },
      },
    },
    /not in the templates/,
  ],
  [rolesAreBounded, 'its zone’s', summary(), undefined],
  [rolesAreBounded, 'none', { [PUBLIC]: { Role: { Type: 'AWS::IAM::Role' } } }, /no permissions boundary/],
  [
    rolesAreBounded,
    'another zone’s',
    { [PUBLIC]: roleOf('internal', SUMMARY, []) },
    /boundary journal-boundary-internal/,
  ],
  [
    rolesAreTrustedByOneService,
    'its function',
    { [PUBLIC]: { ...roleOf('public', SUMMARY, []), ...functionOf(SUMMARY) } },
    undefined,
  ],
  [rolesAreTrustedByOneService, 'nothing uses it', summary(), /assumed by lambda\.amazonaws\.com/],
  [
    rolesAreTrustedByOneService,
    'another account',
    {
      [PUBLIC]: {
        Role: {
          Type: 'AWS::IAM::Role',
          Properties: { AssumeRolePolicyDocument: trusting({ AWS: '111122223333' }) },
        },
      },
    },
    /others than AWS services/,
  ],
];

/** Key policies that rotation carries, with what the rule says of them. */
const KEY_CASES: readonly [name: string, statement: JsonObject | undefined, expected: RegExp | undefined][] =
  [
    ['the shipped one', undefined, undefined],
    [
      'the whole account',
      { ...allowed('kms:*'), Principal: { AWS: 'arn:aws:iam::${Account}:root' } },
      /lets a role of account/,
    ],
    [
      'another account',
      { ...allowed('kms:Sign'), Principal: { AWS: '111122223333' } },
      /a role of account 111122223333/,
    ],
    ['strangers', { ...allowed('kms:Sign'), Principal: '*' }, /lets .*another account/],
  ];

function check(rule: Rule, system: System, policies: unknown = KEY_POLICIES): string {
  const assets = new Map([
    ['key.zip', folderOf({ 'key-policy.json': policies })],
    ['code.zip', folderOf({ 'index.mjs': '' })],
  ]);
  return rule
    .check(inputOf(system, assets))
    .map(({ message }) => message)
    .join('\n');
}

describe('rules about who may do what', () => {
  it.each(CASES.map(([rule, name, system, expected]) => ({ rule, name, system, expected })))(
    '$rule.name: $name',
    ({ rule, system, expected }) => {
      const messages = check(rule, system);
      if (expected === undefined) expect(messages).toBe('');
      else expect(messages).toMatch(expected);
    },
  );

  it.each(KEY_CASES)('keys-do-not-delegate: %s', (_name, statement, expected) => {
    const { Version, Statement } = KEY_POLICIES.journal;
    const policies = { journal: { Version, Statement: [...Statement, ...(statement ? [statement] : [])] } };
    const messages = check(keysDoNotDelegate, signingSystem(), policies);
    if (expected === undefined) expect(messages).toBe('');
    else expect(messages).toMatch(expected);
  });

  it('have a violating and a conforming system each', () => {
    for (const rule of [...CAPABILITIES, ...new Set(CASES.map(([rule]) => rule))]) {
      const verdicts = CASES.filter(([other]) => other === rule).map(
        ([, , , expected]) => expected !== undefined,
      );
      expect(new Set(verdicts), rule.name).toEqual(new Set([true, false]));
    }
  });
});
