import {
  arn,
  type Change,
  type Changeable,
  find,
  gives,
  mutations,
  SIGNER,
  sets,
  statementsOf,
} from '../mutate.ts';

/** Denies a function the writing of its log, or with `more` in some cases. */
function denies(of: string, more: object = {}): Change {
  const denied = { Effect: 'Deny', Action: 'logs:PutLogEvents', Resource: '*', ...more };
  return (r) => void statementsOf(find(r, `${of}Role`, 'IAM::Role')).push(denied);
}

mutations('properties-are-understood', {
  'signing: a log without a key': (r) => void delete find(r, `${SIGNER}Logs`).Properties.KmsKeyId,
  'signing: a log that Lambda filters by level': (r) => {
    Object.assign(find(r, `${SIGNER}Function`).Properties.LoggingConfig as Changeable, {
      ...{ LogFormat: 'JSON', ApplicationLogLevel: 'FATAL' },
    });
  },
  'internal: a log for ever': (r) => void delete find(r, 'workerLogs').Properties.RetentionInDays,
  'admin: a log that Lambda makes': (r) => void delete find(r, 'rotationFunction').Properties.LoggingConfig,
});

mutations('logs-are-kept', {
  'signing: an audit that goes with its stack': (r) => {
    find(r, `${SIGNER}Logs`).DeletionPolicy = 'Delete';
  },
  'signing: an audit that goes when it is replaced': (r) => {
    find(r, `${SIGNER}Logs`).UpdateReplacePolicy = 'Delete';
  },
  'signing: an audit that a signer may not write': denies(SIGNER),
  'internal: a log that its function may not always write': denies('worker', {
    Condition: { StringEquals: { 'aws:RequestedRegion': 'eu-north-1' } },
  }),
  'signing: an audit whose key goes with the stack': (r) => {
    find(r, 'LogKey').DeletionPolicy = 'Delete';
  },
});

mutations('logs-hold-no-tokens', {
  'public: claims in the access log': (r) => {
    (find(r, 'GatewayApiDeploymentStage').Properties.AccessLogSetting as Changeable).Format =
      '{"who":"$context.authorizer.claims.sub"}';
  },
});

mutations('logs-are-not-tapped', {
  'public: a zone taps logs': gives('summary', 'logs:PutSubscriptionFilter'),
  'signing: a signer deletes its audit': gives(SIGNER, 'logs:DeleteLogStream'),
});

mutations('logs-are-own', {
  'public: a zone writes another’s logs': gives(
    'summary',
    'logs:PutLogEvents',
    arn('logs', 'log-group:/journal/internal/*:*'),
  ),
  'gateway: API Gateway’s role unmasks logs': gives('Role', 'logs:Unmask'),
  'public: a zone reads logs': gives('summary', 'logs:FilterLogEvents'),
});

mutations('properties-are-understood', {
  'public: whole requests in the log': sets('GatewayApiDeploymentStage', {
    MethodSettings: [{ DataTraceEnabled: true, HttpMethod: '*', ResourcePath: '/*' }],
  }),
});
