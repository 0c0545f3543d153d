import type { JsonObject } from '../../../../infra/proof/assembly/json.ts';
import system from '../../../one-client.zones.ts';
import { type SmallCase, smallCases } from '../small-cases.ts';
import {
  ACCOUNT,
  allowed,
  arnOf,
  denied,
  document,
  functionOf,
  KEY_POLICIES,
  roleOf,
  signingSystem,
  trusting,
} from '../small-roles.ts';
import { endpoint, inputOf, type Resources, zoneNetwork } from '../small-system.ts';

const PUBLIC = 'journal-zone-public';
const INTERNAL = 'journal-zone-internal';
const ADMIN = 'journal-zone-admin';
const SUMMARY = 'journal-public-summary';

type System = Record<string, Resources>;

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
  const { Role: own, Boundary } = roleOf('gateway', 'Role', [allowed('logs:PutLogEvents')]);
  const trust = { AssumeRolePolicyDocument: trusting({ Service: 'apigateway.amazonaws.com' }) };
  const Role = { Type: 'AWS::IAM::Role', Properties: { ...own?.Properties, ...trust } };
  const role = { CloudWatchRoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] } };
  return {
    [stack]: {
      Role,
      ...(Boundary && { Boundary }),
      ...(named && { Account: { Type: 'AWS::ApiGateway::Account', Properties: role } }),
    },
  };
}

/** A key whose policy lets a principal do something. */
const keyOf = (action: string, Principal: JsonObject): Resources => ({
  Key: { Type: 'AWS::KMS::Key', Properties: { KeyPolicy: document({ ...allowed(action), Principal }) } },
});
/** One that lets a principal rename it, which no role may. */
const keyFor = (principal: JsonObject): System => ({ [PUBLIC]: keyOf('kms:UpdateAlias', principal) });

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
const key: Resources = { Key: { Type: 'AWS::KMS::Key' } };
const KEY = inputOf({ [PUBLIC]: key }).assembly.resources[0]?.arn ?? '';
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
const root = { AWS: `arn:aws:iam::${ACCOUNT}:root` };
const trustedByRoot: Resources = {
  Role: {
    Type: 'AWS::IAM::Role',
    Properties: {
      ...roleOf('public', SUMMARY, [allowed('kms:CreateGrant')]).Role?.Properties,
      AssumeRolePolicyDocument: trusting(root),
    },
  },
};
const interfaces = 'ec2:CreateNetworkInterface';
const byCode = (operator: string, value: unknown) =>
  denied(interfaces, { [operator]: { 'lambda:SourceFunctionArn': value } });
const invoking = allowed('lambda:InvokeFunction', signer, { StringEquals: here('lambda') });

/** A system with the keys that rotation makes, with `more` statements in their policy. */
function withKeys(system: System, expected?: RegExp, ...more: JsonObject[]): SmallCase {
  const { Version, Statement } = KEY_POLICIES.journal;
  const policies = { journal: { Version, Statement: [...Statement, ...more] } };
  return [system, expected, { 'key.zip': { 'key-policy.json': policies }, 'code.zip': { 'index.mjs': '' } }];
}

const own = allowed('kms:Decrypt', KEY, viaTables);
const summaryArn = arnOf('lambda', `function:${SUMMARY}`);
const put = (condition?: JsonObject): System => ({
  'journal-signing': record,
  ...admin('rotation', 'secretsmanager', [allowed('secretsmanager:PutSecretValue', RECORD, condition)]),
});
const makes = (name: string, condition: JsonObject = making) =>
  admin(name, 'kms', [allowed('kms:CreateKey', '*', condition)]);
const TRUSTING: Resources = {
  Other: {
    Type: 'AWS::IAM::Role',
    Properties: { AssumeRolePolicyDocument: trusting({ AWS: `arn:aws:iam::${ACCOUNT}:role/${SUMMARY}` }) },
  },
};
const ACL: Resources = {
  Acl: { Type: 'AWS::WAFv2::WebACL', Properties: { Rules: [{ Statement: { GeoMatchStatement: {} } }] } },
};
const delegating = (action: string, Principal: JsonObject | string) => ({ ...allowed(action), Principal });

// What else each finds is in ../mutations/, and what it takes in the system of one client and in ../harmless.test.ts.
smallCases({
  'keys-are-not-captured': {
    're-policying': [summary(allowed('kms:PutKeyPolicy')), /may kms:PutKeyPolicy on \S+: always\./],
    'a grant, held by the boundary only, of a role that others become': [
      { [PUBLIC]: { ...roleOf('public', SUMMARY, [allowed('kms:CreateGrant')], []), ...trustedByRoot } },
      /held by permissions boundary only/,
    ],
    'a grant, held by the boundary only': [
      { [PUBLIC]: roleOf('public', SUMMARY, [allowed('kms:CreateGrant')], []) },
      /held by permissions boundary only/,
    ],
  },
  'roles-are-not-assumed': {
    'who am I': [summary(allowed('sts:GetCallerIdentity'))],
    'a role that trusts it': [{ ...summary(), [INTERNAL]: TRUSTING }, /may sts:AssumeRole|held by/],
  },
  'logs-are-own': {
    'its own log': [
      summary(allowed('logs:PutLogEvents', arnOf('logs', 'log-group:/journal/public/summary:*'))),
    ],
    'every log': [summary(allowed('logs:*')), /may (?:logs:\w+, ){3}logs:\w+ and \d more on /],
    'API Gateway’s role, by the account that names it': [gatewayRole('More', true)],
    'a role of API Gateway’s of no account': [gatewayRole('journal-gateway-account', false), /may logs:/],
  },
  'own-data-only': {
    'a table of its zone by name, which the templates do not have': [
      summary(allowed('dynamodb:GetItem', arnOf('dynamodb', 'table/journal-public-sessions'))),
      /may dynamodb:GetItem/,
    ],
    'every queue': [summary(allowed('sqs:ReceiveMessage')), /may sqs:ReceiveMessage/],
  },
  'own-data-keys-only': {
    'its own key, through a service': [{ [PUBLIC]: { ...key, ...roleOf('public', SUMMARY, [own]) } }],
    'its own key, directly': [
      {
        [PUBLIC]: {
          ...keyOf('kms:Decrypt', root),
          ...roleOf('public', SUMMARY, [allowed('kms:Decrypt', KEY)]),
        },
      },
      /not only when kms:ViaService/,
    ],
  },
  'interfaces-are-lambdas': {
    'denied to code': [
      {
        [PUBLIC]: roleOf(
          'public',
          SUMMARY,
          [allowed(interfaces), byCode('ArnEquals', summaryArn)],
          [allowed(interfaces), byCode('Null', 'false')],
        ),
      },
    ],
    'not denied': [summary(allowed(interfaces)), /not only when lambda:SourceFunctionArn/],
  },
  'own-signers-only': {
    'its own signer': [asking(invoking)],
    'from anywhere': [asking(allowed('lambda:InvokeFunction', signer)), /only when aws:SourceVpce/],
    'old versions': [
      asking(allowed('lambda:InvokeFunction', `${signer}:*`, { StringEquals: here('lambda') })),
      /identity policy should too/,
    ],
    'an endpoint for every function': [asking(invoking, { Resource: '*' }), /endpoint policy should too/],
  },
  'records-are-kept-by-admin': {
    'the admin zone': [put({ StringEquals: here('secretsmanager') })],
    'from anywhere': [put(), /only when aws:SourceVpce/],
  },
  'keys-are-made-by-rotation': {
    rotation: [makes('rotation')],
    'the key watch': [makes('key-watch'), /may kms:CreateKey/],
    'of any kind': [makes('rotation', { StringEquals: here('kms') }), /not only when kms:KeySpec/],
  },
  'keys-are-switched-by-admin': {
    'the system’s keys': [
      admin('key-watch', 'kms', [allowed('kms:DisableKey', arnOf('kms', 'key/*'), ofSystem)]),
    ],
  },
  'made-keys-are-closed': {
    'left out only': [
      admin('rotation', 'kms', [allowed('kms:CreateKey')]),
      /kms:Sign with a key whose policy names it/,
    ],
  },
  'alarms-ring': {
    'what reads nothing': [admin('rotation', 'kms', []), /journal-admin-rotation can’t always kms:ListKeys/],
  },
  'sign-is-for-signers': {
    'a signer': withKeys(signingSystem()),
    'a zone': withKeys({ ...signingSystem(), ...summary(allowed('kms:Sign')) }, /can't kms:Sign .* held by/),
  },
  'signing-is-bound': {
    'everything bound': withKeys(signingSystem()),
    'no digest in the role': withKeys(
      signingSystem({ statement: allowed('kms:Sign', arnOf('kms', 'key/*')) }),
      /identity policy should too/,
    ),
    'no denial in the boundary': withKeys(
      signingSystem({ boundary: [] }),
      /permissions boundary should too|two layers/,
    ),
    'an open endpoint': withKeys(signingSystem({ endpoint: allowed('kms:*') }), /endpoint policy should too/),
  },
  'keys-do-not-delegate': {
    'the whole account': withKeys(
      ...([signingSystem(), /lets a role of account/] as const),
      delegating('kms:*', { AWS: 'arn:aws:iam::${Account}:root' }),
    ),
    'another account': withKeys(
      ...([signingSystem(), /a role of account 111122223333/] as const),
      delegating('kms:Sign', { AWS: '111122223333' }),
    ),
    strangers: withKeys(signingSystem(), /lets .*another account/, delegating('kms:Sign', '*')),
  },
  'actions-are-known': {
    'known ones': [summary(allowed(['logs:PutLogEvents', 'xray:PutTraceSegments']))],
    'an unknown service': [summary(allowed('madeup:Act')), /allows madeup:Act/],
    'reading about roles': [summary(allowed('iam:GetRole')), /allows iam:GetRole/],
    'a denial of everything': [summary(denied('*'))],
    'a denial of what is not named': [summary({ Effect: 'Deny', NotAction: 'kms:Sign', Resource: '*' })],
    'what a key leaves to its account': [keyFor({ AWS: `arn:aws:iam::${ACCOUNT}:root` })],
    'what a key leaves to its account and a service': [
      keyFor({ AWS: ACCOUNT, Service: 'events.amazonaws.com' }),
      /allows kms:UpdateAlias/,
    ],
    'what the keys of a client let its signers do': withKeys(signingSystem()),
    'more than that': withKeys(signingSystem(), /allows kms:UpdateAlias/, delegating('kms:UpdateAlias', '*')),
    'a wildcard': [summary(allowed('lambda:Invoke*')), /allows lambda:Invoke\*/],
    'a rule of a firewall for the web': [{ [PUBLIC]: ACL }],
  },
  'roles-are-bounded': {
    none: [{ [PUBLIC]: { Role: { Type: 'AWS::IAM::Role' } } }, /no permissions boundary/],
    'another zone’s': [{ [PUBLIC]: roleOf('internal', SUMMARY, []) }, /boundary journal-boundary-internal/],
  },
  'roles-are-trusted-by-one-service': {
    'its function': [{ [PUBLIC]: { ...roleOf('public', SUMMARY, []), ...functionOf(SUMMARY) } }],
    'nothing uses it': [summary(), /assumed by lambda\.amazonaws\.com/],
  },
});

// What a signer and a tokens function of a zone in another account deny by themselves.
const OTHER = '111122223333';
const roleThere = (name: string) => `arn:aws:iam::${OTHER}:role/journal-public-${name}`;
const invokes = ['lambda:InvokeFunction', 'lambda:InvokeFunctionUrl'];
function keptTo(
  name: string,
  roles: readonly string[],
  here: JsonObject,
  whom: JsonObject = { AWS: '*' },
): Resources {
  const anywhere = {
    Effect: 'Deny',
    Principal: whom,
    Resource: [arnOf('lambda', `function:${name}`), arnOf('lambda', `function:${name}:*`)],
  };
  const statements: JsonObject[] = [
    { ...anywhere, Action: invokes, Condition: { ArnNotEquals: { 'aws:PrincipalArn': roles } } },
    { ...anywhere, Action: invokes, Condition: { StringNotEquals: here } },
    { ...anywhere, NotAction: invokes },
  ];
  const ResourceArn = { 'Fn::GetAtt': ['Function', 'Arn'] };
  const Properties = { ResourceArn, PolicyDocument: document(...statements) };
  return { ...functionOf(name), Policy: { Type: 'AWS::Lambda::ResourcePolicy', Properties } };
}
const ofSigner = (here: JsonObject, whom?: JsonObject) =>
  keptTo(
    'journal-signer-journal-public',
    [roleThere('tokens'), ...['login', 'callback', 'session', 'api', 'logout'].map(roleThere)],
    here,
    whom,
  );
const ofTokens = (here: JsonObject) => ({
  ...zoneNetwork('10.10.0.0/20'),
  ...endpoint('lambda'),
  ...keptTo('journal-public-tokens', [roleThere('summary')], here),
});
const fromThere = { 'aws:VpceAccount': OTHER };
const kept = (signing: Resources, zone: Resources, expected?: RegExp): SmallCase => [
  { 'journal-signing': signing, [PUBLIC]: zone },
  expected,
];
smallCases(
  {
    'signers-have-one-caller': {
      'its zone': kept(ofSigner(fromThere), ofTokens(here('lambda'))),
      'its account': kept(
        ofSigner({ 'aws:VpceAccount': ACCOUNT }),
        ofTokens(here('lambda')),
        /signer\S+ is not kept by its own policy from being invoked from elsewhere/,
      ),
      'an account for a tokens function': kept(
        ofSigner(fromThere),
        ofTokens(fromThere),
        /tokens is not kept by its own policy from being invoked from elsewhere/,
      ),
      'one role': kept(
        ofSigner(fromThere, { AWS: roleThere('x') }),
        ofTokens(here('lambda')),
        /signer\S+ is not kept by its own policy from being changed/,
      ),
      none: kept(
        functionOf('journal-signer-journal-public'),
        ofTokens(here('lambda')),
        /has 0 policies of its own/,
      ),
      'something else': kept(
        {
          ...ofSigner(fromThere),
          Other: { Type: 'AWS::Lambda::ResourcePolicy', Properties: { ResourceArn: 'arn:aws:lambda:x' } },
        },
        ofTokens(here('lambda')),
        /Other is a policy of something else/,
      ),
    },
  },
  { ...system, zones: { public: { ...system.zones.public, account: OTHER, tokens: 'function' } } },
);
