import { forbidTypes } from '../forbid-types.ts';

/** No template leads logs or the audit anywhere but into their own log groups. */
export const noLogOutlets = forbidTypes({
  name: 'no-log-outlets',
  invariant: 'I7',
  title: 'No template leads logs or the audit anywhere but into their own log groups.',
  types: {
    'AWS::Logs::SubscriptionFilter': 'sends a log somewhere else as it is written',
    'AWS::Logs::Destination': 'receives logs of other accounts',
    'AWS::Logs::DeliverySource': 'sends logs somewhere else',
    'AWS::Logs::DeliveryDestination': 'receives logs',
    'AWS::Logs::Delivery': 'sends logs somewhere else',
    'AWS::Logs::AccountPolicy': 'sends all logs of the account somewhere else',
    'AWS::Logs::ResourcePolicy': 'lets others write or subscribe to logs',
    'AWS::Logs::Transformer': 'changes log lines as they are written',
    'AWS::Logs::Integration': 'sends logs somewhere else',
    'AWS::KinesisFirehose::*': 'sends data somewhere else',
    'AWS::CloudWatch::MetricStream': 'sends metrics somewhere else',
    'AWS::Oam::*': 'shares logs with another account',
    'AWS::XRay::ResourcePolicy': 'shares traces with others',
    'AWS::CloudTrail::*': 'changes the audit, which is an administrator’s',
    'AWS::OpenSearchService::*': 'keeps copies of logs',
    'AWS::Elasticsearch::*': 'keeps copies of logs',
  },
  remedy: 'Remove it. Read logs where they are, with CloudWatch Logs Insights.',
});
