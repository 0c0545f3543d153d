import {
  adds,
  allow,
  type Changeable,
  find,
  gives,
  mutations,
  role,
  SIGNER,
  sets,
  signer,
  statementOf,
  statementsOf,
} from '../mutate.ts';

const trust = (principal: Changeable) => ({
  AssumeRolePolicyDocument: {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' }],
  },
});

mutations('actions-are-known', {
  'signing: a signer may do everything with keys': gives(SIGNER, 'kms:*'),
  'public: a role may do everything': gives('login', '*'),
  'public: a role may do everything but one thing': (r) =>
    void statementsOf(find(r, 'loginRole')).push({
      Effect: 'Allow',
      NotAction: 's3:GetObject',
      Resource: '*',
    }),
  'public: a zone changes targets': gives('summary', 'events:PutTargets'),
  'internal: a zone changes queues': gives('worker', 'sqs:SetQueueAttributes'),
  'public: a zone deploys': gives('summary', 'cloudformation:UpdateStack'),
  'public: a zone starves signers': gives('summary', 'lambda:PutFunctionConcurrency'),
  'internal: a boundary lets a zone do everything with roles': (r) => allow(find(r, 'Boundary'), 'iam:*'),
  'internal: a boundary that only the deploy knows': sets('Boundary', {
    PolicyDocument: { Ref: 'AnyDocument' },
  }),
  'internal: policies that only the deploy knows': sets(
    'worker',
    { Policies: { 'Fn::If': ['Maybe', [], [{}]] } },
    'IAM::Role',
  ),
  'signing: the signing zone’s KMS endpoint takes every action': (r) =>
    void Object.assign(statementOf(find(r, 'Networkkmsendpoint'), 1), { Action: 'kms:*' }),
  'signing: the signing zone’s KMS endpoint takes grants': (r) =>
    void Object.assign(statementOf(find(r, 'Networkkmsendpoint'), 1), {
      Action: ['kms:GetPublicKey', 'kms:CreateGrant'],
    }),
  'internal: the worker may change its queue': (r) =>
    allow(find(r, 'EventsQueuePolicy'), 'sqs:SetQueueAttributes', '*', {
      Principal: { AWS: role('journal-internal-worker') },
    }),
  'signing: a key for another account to change': (r) =>
    allow(find(r, 'RecordKey'), 'kms:UpdateKeyDescription', '*', { Principal: { AWS: '111122223333' } }),
  'public: a permission to change a function': adds('AWS::Lambda::Permission', {
    FunctionName: signer('public'),
    Action: 'lambda:UpdateAlias',
    Principal: '*',
  }),
  'internal: a policy of a log group, as text': sets('workerLogs', {
    ResourcePolicyDocument: JSON.stringify({
      Statement: [{ Effect: 'Allow', Principal: '*', Action: 'logs:PutResourcePolicy', Resource: '*' }],
    }),
  }),
  'public: an API’s policy for everything but one thing': sets('GatewayApi4', {
    Policy: {
      Statement: [
        { Effect: 'Allow', Principal: '*', NotAction: 'execute-api:InvalidateCache', Resource: '*' },
      ],
    },
  }),
  'public: an administrator’s policy': sets(
    'summary',
    { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] },
    'IAM::Role',
  ),
});

mutations('identities-are-not-changed', {
  'public: a zone passes roles': gives('summary', 'iam:PassRole'),
  'internal: a zone takes boundaries off': gives('worker', 'iam:DeleteRolePermissionsBoundary'),
  'internal: a boundary lets a zone pass roles': (r) => allow(find(r, 'Boundary'), 'iam:*'),
  'admin: rotation changes policies': gives('rotation', ['iam:PutRolePolicy', 'iam:CreatePolicyVersion']),
});

mutations('policies-are-for-own-roles', {
  'signing: a policy for a role outside': adds('AWS::IAM::Policy', {
    PolicyName: 'x',
    Roles: ['somebody'],
    PolicyDocument: {
      Statement: [{ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: signer('public') }],
    },
  }),
});

mutations('roles-are-bounded', {
  'public: no boundary': (r) => void delete find(r, 'summaryRole').Properties.PermissionsBoundary,
  'public: another zone’s boundary': sets(
    'summary',
    { PermissionsBoundary: `arn:aws:iam::000000000000:policy/journal-boundary-signing` },
    'IAM::Role',
  ),
  'internal: an administrator’s boundary': sets(
    'worker',
    { PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess' },
    'IAM::Role',
  ),
  'gateway: no boundary of API Gateway’s role': (r) =>
    void delete find(r, 'Role').Properties.PermissionsBoundary,
});

mutations('roles-are-not-assumed', {
  'public: a zone becomes a signer': gives(
    'summary',
    'sts:AssumeRole',
    role('journal-signer-journal-public'),
  ),
  'internal: a zone becomes the deployer': gives(
    'worker',
    'sts:AssumeRole',
    role('cdk-hnb659fds-deploy-role-*'),
  ),
});

mutations('roles-are-trusted-by-one-service', {
  'signing: a signer’s role that a zone can become': sets(
    `${SIGNER}Role`,
    trust({ AWS: role('journal-public-summary') }),
  ),
  'signing: a signer’s role that the account can become': sets(
    `${SIGNER}Role`,
    trust({ AWS: `arn:aws:iam::000000000000:root` }),
  ),
  'public: a role for another issuer’s identities': sets(
    'summaryRole',
    trust({ Federated: 'token.actions.githubusercontent.com' }),
  ),
  'gateway: API Gateway’s role for functions': sets('Role', trust({ Service: 'lambda.amazonaws.com' })),
});
