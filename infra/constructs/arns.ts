/** Where a stack's resources live. Either may be a CloudFormation token. */
export interface Place {
  account: string;
  region: string;
}

/** ARN of a Lambda function, unqualified: a grant of `:*` would keep old versions with wider grants invocable. */
export function functionArn(place: Place, name: string): string {
  return `arn:aws:lambda:${place.region}:${place.account}:function:${name}`;
}

/** ARN of a role. */
export function roleArn(account: string, name: string): string {
  return `arn:aws:iam::${account}:role/${name}`;
}

/** ARN of every KMS key of an account and region. */
export function anyKeyArn(place: Place): string {
  return `arn:aws:kms:${place.region}:${place.account}:key/*`;
}

/** ARN of a DynamoDB table; `name` may end in `*`. */
export function tableArn(place: Place, name: string): string {
  return `arn:aws:dynamodb:${place.region}:${place.account}:table/${name}`;
}

/** ARN of a queue; `name` may end in `*`. */
export function queueArn(place: Place, name: string): string {
  return `arn:aws:sqs:${place.region}:${place.account}:${name}`;
}

/** ARN of a client record by its name: Secrets Manager adds a hyphen and six characters. */
export function recordArnPattern(place: Place, name: string): string {
  return `arn:aws:secretsmanager:${place.region}:${place.account}:secret:${name}-??????`;
}

/** ARN of the streams of a log group; `name` may end in `*`. */
export function logStreamsArn(place: Place, name: string): string {
  return `arn:aws:logs:${place.region}:${place.account}:log-group:${name}:*`;
}

/** DNS name of a regional AWS service, as asked for inside a VPC with an endpoint for it. */
export function serviceHost(place: Place, service: string): string {
  return `${service}.${place.region}.amazonaws.com`;
}
