import {
  ADMIN,
  adds,
  allow,
  type Changeable,
  find,
  GATEWAY,
  gives,
  INTERNAL,
  mutations,
  PUBLIC,
  role,
  SIGNER,
  SIGNING,
  sets,
  signer,
  statementsOf,
} from '../mutate.ts';

const trust = (principal: Changeable) => ({
  AssumeRolePolicyDocument: {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' }],
  },
});

mutations('actions-are-known', 'I1', {
  [SIGNING]: {
    'a signer may do everything with keys': gives(SIGNER, 'kms:*'),
  },
  [PUBLIC]: {
    'a role may do everything': gives('login', '*'),
    'a role may do everything but one thing': (r) =>
      void statementsOf(find(r, 'loginRole')).push({
        Effect: 'Allow',
        NotAction: 's3:GetObject',
        Resource: '*',
      }),
    'an administrator’s policy': sets(
      'summary',
      { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] },
      'IAM::Role',
    ),
  },
});

mutations('identities-are-not-changed', 'I1', {
  [PUBLIC]: {
    'a zone passes roles': gives('summary', 'iam:PassRole'),
  },
  [INTERNAL]: {
    'a zone takes boundaries off': gives('worker', 'iam:DeleteRolePermissionsBoundary'),
    'a boundary lets a zone pass roles': (r) => allow(find(r, 'Boundary'), 'iam:*'),
  },
  [ADMIN]: {
    'rotation changes policies': gives('rotation', ['iam:PutRolePolicy', 'iam:CreatePolicyVersion']),
  },
});

mutations('no-other-identities', 'I1', {
  [SIGNING]: {
    'a user': adds('AWS::IAM::User'),
  },
  [ADMIN]: {
    'an access key': adds('AWS::IAM::AccessKey', { UserName: 'somebody' }),
  },
  [GATEWAY]: {
    'an identity provider': adds('AWS::IAM::OIDCProvider'),
  },
});

mutations('nobody-deploys', 'I1', {
  [PUBLIC]: {
    'a zone deploys': gives('summary', 'cloudformation:UpdateStack'),
    'a zone writes assets': gives('summary', 's3:PutObject', 'arn:aws:s3:::cdk-hnb659fds-assets-*/*'),
  },
});

mutations('policies-are-for-own-roles', 'I1', {
  [SIGNING]: {
    'a policy for a role outside': adds('AWS::IAM::Policy', {
      PolicyName: 'x',
      Roles: ['somebody'],
      PolicyDocument: {
        Statement: [{ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: signer('public') }],
      },
    }),
  },
});

mutations('roles-are-bounded', 'I1', {
  [PUBLIC]: {
    'no boundary': (r) => void delete find(r, 'summaryRole').Properties.PermissionsBoundary,
    'another zone’s boundary': sets(
      'summary',
      { PermissionsBoundary: `arn:aws:iam::000000000000:policy/journal-boundary-signing` },
      'IAM::Role',
    ),
  },
  [INTERNAL]: {
    'an administrator’s boundary': sets(
      'worker',
      { PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess' },
      'IAM::Role',
    ),
  },
  [GATEWAY]: {
    'no boundary of API Gateway’s role': (r) => void delete find(r, 'Role').Properties.PermissionsBoundary,
  },
});

mutations('roles-are-not-assumed', 'I1', {
  [PUBLIC]: {
    'a zone becomes a signer': gives('summary', 'sts:AssumeRole', role('journal-signer-journal-public')),
  },
  [INTERNAL]: {
    'a zone becomes the deployer': gives('worker', 'sts:AssumeRole', role('cdk-hnb659fds-deploy-role-*')),
  },
});

mutations('roles-are-trusted-by-one-service', 'I1', {
  [SIGNING]: {
    'a signer’s role that a zone can become': sets(
      `${SIGNER}Role`,
      trust({ AWS: role('journal-public-summary') }),
    ),
    'a signer’s role that the account can become': sets(
      `${SIGNER}Role`,
      trust({ AWS: `arn:aws:iam::000000000000:root` }),
    ),
  },
  [PUBLIC]: {
    'a role for another issuer’s identities': sets(
      'summaryRole',
      trust({ Federated: 'token.actions.githubusercontent.com' }),
    ),
  },
  [GATEWAY]: {
    'API Gateway’s role for functions': sets('Role', trust({ Service: 'lambda.amazonaws.com' })),
  },
});
