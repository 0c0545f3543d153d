/** Where a stack's resources live. Either may be a CloudFormation token. */
export interface Place {
  account: string;
  region: string;
}

/** ARN of a Lambda function, unqualified: a grant of `:*` would keep old versions with wider grants invocable. */
export const functionArn = (place: Place, name: string): string =>
  `arn:aws:lambda:${place.region}:${place.account}:function:${name}`;

/** ARN of a role. */
export const roleArn = (account: string, name: string): string => `arn:aws:iam::${account}:role/${name}`;

/** ARN of every KMS key of an account and region. */
export const anyKeyArn = (place: Place): string => `arn:aws:kms:${place.region}:${place.account}:key/*`;

/** ARN of a DynamoDB table; `name` may end in `*`. */
export const tableArn = (place: Place, name: string): string =>
  `arn:aws:dynamodb:${place.region}:${place.account}:table/${name}`;

/** ARN of a queue; `name` may end in `*`. */
export const queueArn = (place: Place, name: string): string =>
  `arn:aws:sqs:${place.region}:${place.account}:${name}`;

/** ARN of a client record by its name: Secrets Manager adds a hyphen and six characters. */
export const recordArnPattern = (place: Place, name: string): string =>
  `arn:aws:secretsmanager:${place.region}:${place.account}:secret:${name}-??????`;

/** ARN of the streams of a log group; `name` may end in `*`. */
export const logStreamsArn = (place: Place, name: string): string =>
  `arn:aws:logs:${place.region}:${place.account}:log-group:${name}:*`;

/** DNS name of a regional AWS service, as asked for inside a VPC with an endpoint for it. */
export const serviceHost = (place: Place, service: string) => `${service}.${place.region}.amazonaws.com`;
