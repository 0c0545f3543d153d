import { arn, type Changeable, find, gives, mutations, SIGNER, sets } from '../mutate.ts';

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
