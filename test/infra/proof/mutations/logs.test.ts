import {
  ADMIN,
  adds,
  arn,
  type Changeable,
  find,
  gives,
  INTERNAL,
  mutations,
  PUBLIC,
  SIGNER,
  SIGNING,
  sets,
  setsVariables,
} from '../mutate.ts';

mutations('logs-are-kept', 'I7', {
  [SIGNING]: {
    'a log without a key': (r) => void delete find(r, `${SIGNER}Logs`).Properties.KmsKeyId,
    'an audit that goes with its stack': (r) => {
      find(r, `${SIGNER}Logs`).DeletionPolicy = 'Delete';
    },
    'an audit whose key goes with the stack': (r) => {
      find(r, 'LogKey').DeletionPolicy = 'Delete';
    },
    'a log that Lambda filters by level': (r) => {
      Object.assign(find(r, `${SIGNER}Function`).Properties.LoggingConfig as Changeable, {
        ...{ LogFormat: 'JSON', ApplicationLogLevel: 'FATAL' },
      });
    },
  },
  [INTERNAL]: {
    'a log for ever': (r) => void delete find(r, 'workerLogs').Properties.RetentionInDays,
  },
  [ADMIN]: {
    'a log that Lambda makes': (r) => void delete find(r, 'rotationFunction').Properties.LoggingConfig,
  },
});

mutations('logs-are-not-tapped', 'I7', {
  [PUBLIC]: {
    'a zone taps logs': gives('summary', 'logs:PutSubscriptionFilter'),
  },
  [SIGNING]: {
    'a signer deletes its audit': gives(SIGNER, 'logs:DeleteLogStream'),
  },
});

mutations('logs-are-own', 'I7', {
  [PUBLIC]: {
    'a zone writes another’s logs': gives(
      'summary',
      'logs:PutLogEvents',
      arn('logs', 'log-group:/journal/internal/*:*'),
    ),
    'a zone reads logs': gives('summary', 'logs:FilterLogEvents'),
  },
});

mutations('logs-hold-no-tokens', 'I7', {
  [PUBLIC]: {
    'whole requests in the log': sets('GatewayApiDeploymentStage', {
      MethodSettings: [{ DataTraceEnabled: true, HttpMethod: '*', ResourcePath: '/*' }],
    }),
    'claims in the access log': (r) => {
      (find(r, 'GatewayApiDeploymentStage').Properties.AccessLogSetting as Changeable).Format =
        '{"who":"$context.authorizer.claims.sub"}';
    },
  },
  [INTERNAL]: {
    'whole events in the log': setsVariables('worker', { POWERTOOLS_LOGGER_LOG_EVENT: 'true' }),
  },
});

mutations('no-log-outlets', 'I7', {
  [SIGNING]: {
    'a subscription of the audit': adds('AWS::Logs::SubscriptionFilter'),
  },
});
