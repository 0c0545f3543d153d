import {
  adds,
  allow,
  arn,
  type Changeable,
  find,
  idOf,
  mutations,
  sets,
  signer,
  statementOf,
  type Template,
} from '../mutate.ts';

const targetOf = (r: Template, rule: string) => {
  const [target = {}] = find(r, rule, 'Events::Rule').Properties.Targets as Changeable[];
  return target;
};
const arnOf = (r: Template, prefix: string, type = '') => ({ 'Fn::GetAtt': [idOf(r, prefix, type), 'Arn'] });

mutations('events-are-declared', {
  'internal: events to the dead letters': (r) => {
    targetOf(r, 'EventsRule').Arn = arnOf(r, 'EventsDeadLetters', 'Queue');
  },
  'internal: events to a second queue': (r) => {
    const { Targets } = find(r, 'EventsRule').Properties as { Targets: Changeable[] };
    Targets.push({ Id: 'more', Arn: arnOf(r, 'EventsDeadLetters', 'Queue') });
  },
  'internal: nothing for events that can’t be queued': (r) =>
    void delete targetOf(r, 'EventsRule').DeadLetterConfig,
  'internal: another queue for what fails': (r) => {
    const { RedrivePolicy } = find(r, 'EventsQueue7').Properties as { RedrivePolicy: Changeable };
    RedrivePolicy.deadLetterTargetArn = arnOf(r, 'EventsUndelivered', 'Queue');
  },
  'admin: rotation in place of the key watch': (r) => {
    targetOf(r, 'KeyAlarmshourly').Arn = arnOf(r, 'rotationFunction');
  },
});

mutations('alarms-ring', {
  'admin: the figure of no client': sets('KeyAlarmsjournalUnknownKeys', {
    Dimensions: [{ Name: 'client', Value: 'nobody' }],
  }),
  'admin: a unit that no figure has': sets('KeyAlarmsjournalUnknownKeys', { Unit: 'Bits' }),
  'signing: more figures than there are': sets('AlarmsjournalsignerjournalpublicSignatureFailures', {
    DatapointsToAlarm: 9,
  }),
});

mutations('routes-are-authorized', {
  'public: an answer of API Gateway’s own': (r) => {
    const { Integration } = find(r, 'GatewayApisessionGET6').Properties as { Integration: Changeable };
    Integration.Type = 'MOCK';
  },
});

mutations('properties-are-understood', {
  'public: an API without a policy for TLS': (r) =>
    void delete find(r, 'GatewayApi4').Properties.SecurityPolicy,
  'public: suites without forward secrecy': sets('GatewayApi4', {
    SecurityPolicy: 'SecurityPolicy_TLS13_1_2_2021_06',
  }),
  'public: a domain name that takes TLS 1.0': adds('AWS::ApiGateway::DomainName', {
    DomainName: 'www.example.no',
    SecurityPolicy: 'TLS_1_0',
  }),
});

mutations('properties-are-understood', {
  'internal: the same text for every event': (r) => {
    targetOf(r, 'EventsRule').Input = '{}';
  },
  'public: a cached authorizer': adds('AWS::ApiGateway::Authorizer', { AuthorizerResultTtlInSeconds: 300 }),
  'public: another zone’s events': adds('AWS::Events::Rule', {
    EventBusName: 'journal-internal',
    EventPattern: {},
    Targets: [],
  }),
  'internal: a rule for another zone’s function': adds('AWS::Events::Rule', {
    EventPattern: {},
    Targets: [{ Id: 'x', Arn: arn('lambda', 'function:journal-public-summary') }],
  }),
  'internal: a mapping for another zone’s function': adds('AWS::Lambda::EventSourceMapping', {
    EventSourceArn: arn('sqs', 'journal-internal-events'),
    FunctionName: signer('internal'),
  }),
  'public: an alarm that rings in another zone': sets('AlarmsjournalpublicGatewayErrors', {
    AlarmActions: [arn('sns', 'journal-internal-alarms')],
  }),
  'signing: an alarm that calls a function when all is well again': adds('AWS::CloudWatch::CompositeAlarm', {
    OKActions: [arn('lambda', 'function:journal-public-summary')],
  }),
  'public: a domain name for an API by its id': adds('AWS::ApiGateway::BasePathMapping', {
    DomainName: 'journal.example.no',
    RestApiId: 'abcdefghij',
  }),
  'admin: a rule for a signer': adds('AWS::Events::Rule', {
    ScheduleExpression: 'rate(1 day)',
    Targets: [{ Id: 'x', Arn: signer('admin') }],
  }),
});

mutations('outsiders-are-not-admitted', {
  'internal: a permission for everybody': adds('AWS::Lambda::Permission', {
    FunctionName: arn('lambda', 'function:journal-internal-worker'),
    Action: 'lambda:InvokeFunction',
    Principal: '*',
  }),
  'internal: a queue for everybody': (r) =>
    allow(find(r, 'EventsQueuePolicy'), 'sqs:SendMessage', '*', { Principal: '*' }),
  'signing: an alarm topic that anybody may publish to': (r) =>
    allow(find(r, 'AlarmsTopicPolicy'), 'sns:Publish', '*', { Principal: '*' }),
  'internal: an alarm topic for alarms of any account': (r) =>
    void delete statementOf(find(r, 'AlarmsTopicPolicy'), 'FromAlarms').Condition,
  'internal: a queue for any rule': (r) => void delete statementOf(find(r, 'EventsQueuePolicy'), 1).Condition,
});

mutations('routes-are-authorized', {
  'public: a route to another zone': sets('GatewayApisummariesidGET3', {
    Integration: {
      Type: 'AWS_PROXY',
      Uri: `arn:aws:apigateway:eu-north-1:lambda:path/2015-03-31/functions/${signer('internal')}/invocations`,
    },
  }),
  'public: a streamed route to another zone': sets('GatewayApisummariesidGET3', {
    Integration: {
      Type: 'AWS_PROXY',
      ResponseTransferMode: 'STREAM',
      Uri: `arn:aws:apigateway:eu-north-1:lambda:path/2021-11-15/functions/${signer('internal')}/response-streaming-invocations`,
    },
  }),
  'public: a route without authorization': sets('GatewayApisummariesidGET3', { AuthorizationType: 'NONE' }),
  'public: a route that is not declared': sets('GatewayApisummariesidGET3', { HttpMethod: 'DELETE' }),
});
