import { describe, expect, it } from 'vitest';
import { makeEnvironment } from '../../../../local/aws/runtime/environment.ts';
import type { TemplateFunction } from '../../../../local/aws/template/resources.ts';

const of: TemplateFunction = {
  runtime: 'nodejs24.x',
  name: 'journal-public-login',
  arn: 'arn',
  account: '0',
  roleArn: 'role',
  zone: 'public',
  subnets: [],
  codeDirectory: '/code',
  handler: 'index.handler',
  timeout: 1000,
  memory: 512,
  reservedConcurrency: undefined,
  environment: {
    GATEWAY_URL: 'https://api.execute-api.eu-north-1.amazonaws.com/live',
    TABLE: 't',
    AWS_REGION: 'spoof',
  },
  logGroup: '/journal/public/login',
  jsonLevel: undefined,
};
const facts = {
  region: 'eu-north-1',
  credentials: { accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 't' },
  endpoints: new Map([['lambda', 'http://127.0.0.1:1']]),
  publicUrl: 'http://127.0.0.1:2',
  calledUrls: ['https://localhost:3443/session', 'https://helseid-sts.test.nhn.no'],
  caFile: '/ca.crt',
  replacements: new Map([['https://api.execute-api.eu-north-1.amazonaws.com/live', 'http://localhost:3000']]),
};

describe('the environment of a function', () => {
  it('tells its runtime and its logger how its log is filtered', () => {
    expect(makeEnvironment({ ...of, jsonLevel: 'FATAL' }, facts)).toMatchObject({
      AWS_LAMBDA_LOG_FORMAT: 'JSON',
      AWS_LAMBDA_LOG_LEVEL: 'FATAL',
    });
    expect(makeEnvironment(of, facts)).not.toHaveProperty('AWS_LAMBDA_LOG_LEVEL');
  });

  it('says what its network lets it reach, and nothing for a function outside every network', () => {
    expect(makeEnvironment(of, facts)['LOCAL_REACHABLE']).toBe(
      'localhost:3443,helseid-sts.test.nhn.no:443,127.0.0.1:1,127.0.0.1:2',
    );
    expect(makeEnvironment(of, { ...facts, calledUrls: undefined })).not.toHaveProperty('LOCAL_REACHABLE');
  });

  it("is the template's and the runtime's, with AWS where its network reaches it", () => {
    expect(makeEnvironment(of, facts)).toMatchObject({
      TABLE: 't',
      GATEWAY_URL: 'http://localhost:3000',
      AWS_REGION: 'eu-north-1',
      AWS_ACCESS_KEY_ID: 'ASIA',
      AWS_ENDPOINT_URL_LAMBDA: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:2',
      NODE_EXTRA_CA_CERTS: '/ca.crt',
      _HANDLER: 'index.handler',
    });
  });

  it('leads a queue’s URL, whose host the SDK calls, to where SQS is for its network', () => {
    const OUTBOX_QUEUE = 'https://sqs.eu-north-1.amazonaws.com/000000000000/journal-public-outbox';
    const sends = { ...of, environment: { OUTBOX_QUEUE } };
    const endpoints = new Map([['sqs', 'http://127.0.0.1:3']]);
    const urls = [{ endpoints }, {}, { publicUrl: undefined }].map(
      (more) => makeEnvironment(sends, { ...facts, ...more })['OUTBOX_QUEUE'],
    );
    expect(urls).toEqual(
      [3, 2, 9].map((port) => `http://127.0.0.1:${port}/000000000000/journal-public-outbox`),
    );
  });

  it('leads nowhere where the network has neither endpoint nor way out', () => {
    const environment = makeEnvironment(of, { ...facts, publicUrl: undefined });
    expect(environment['AWS_ENDPOINT_URL_KMS']).toBe('http://127.0.0.1:9');
    expect(environment['AWS_ENDPOINT_URL_LAMBDA']).toBe('http://127.0.0.1:1');
  });
});
