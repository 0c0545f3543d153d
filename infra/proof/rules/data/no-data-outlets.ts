import { forbidTypes } from '../forbid-types.ts';

/** No template copies tables, queues or sessions to somewhere else. */
export const noDataOutlets = forbidTypes({
  name: 'no-data-outlets',
  invariant: 'I8',
  title: 'No template copies tables, queues or sessions to somewhere else.',
  types: {
    'AWS::DynamoDB::GlobalTable': 'copies a table to other regions',
    'AWS::Kinesis::*': 'carries data from one zone to another',
    'AWS::DMS::*': 'copies data',
    'AWS::Backup::*': 'copies data',
    'AWS::DAX::*': 'keeps data in a cluster of its own',
    'AWS::ElastiCache::*': 'keeps data in a cluster of its own',
    'AWS::RDS::*': 'keeps data in a database that the proof does not read',
    'AWS::Neptune::*': 'keeps data in a database that the proof does not read',
    'AWS::DocDB::*': 'keeps data in a database that the proof does not read',
    'AWS::MSK::*': 'carries data from one zone to another',
    'AWS::AmazonMQ::*': 'carries data from one zone to another',
    'AWS::DataSync::*': 'copies data',
    'AWS::Transfer::*': 'lets files in and out',
    'AWS::EFS::*': 'is a file system that zones might share',
    'AWS::FSx::*': 'is a file system that zones might share',
    'AWS::S3::AccessPoint': 'lets others into a bucket',
    'AWS::S3::AccessGrant*': 'lets others into a bucket',
    'AWS::S3ObjectLambda::*': 'lets others into a bucket',
    'AWS::SNS::TopicInlinePolicy': 'is a policy that the proof does not expect',
    'AWS::SQS::QueueInlinePolicy': 'is a policy that the proof does not expect',
  },
  remedy: 'Remove it. What a zone keeps stays in that zone.',
});
