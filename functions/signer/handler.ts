import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { KMSClient } from '@aws-sdk/client-kms';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { readVariable } from '@helseid-zones/client/environment';
import { createLog } from '@helseid-zones/client/log';
import { parseGrant } from '@helseid-zones/protocol/grant';
import type { SignResponse } from '@helseid-zones/protocol/intents';
import { createAudit } from './audit.ts';
import { AWS_BOUNDS, createKeyReader, shedThrottled } from './kms.ts';
import { createRecordReader } from './read-record.ts';
import { createSignRequest, readAhead } from './sign-request.ts';

const grant = parseGrant(readFileSync(new URL('./grant.json', import.meta.url), 'utf8'));
const { env } = process;
const recordArn = readVariable(env, 'RECORD_ARN');

const kms = shedThrottled(new KMSClient(AWS_BOUNDS));
const secrets = new SecretsManagerClient(AWS_BOUNDS);

const log = createLog({ service: grant.system, zone: grant.zone, env });
const now = () => Date.now();

const readKey = createKeyReader(kms);
const readRecord = createRecordReader(
  async () => (await secrets.send(new GetSecretValueCommand({ SecretId: recordArn }))).SecretString,
  grant,
  now,
);

const signRequest = createSignRequest({
  grant,
  kms,
  readKey,
  readRecord,
  now,
  randomId: () => randomBytes(16).toString('base64url'),
  audit: (requestId) => createAudit(log, grant, requestId),
});

/** Milliseconds of its initialisation, of which Lambda gives ten seconds, that a signer waits for record and keys. */
const PATIENCE = 3000;
await readAhead({ readRecord, readKey }, PATIENCE);

/** Signs what one zone may have signed for one client. Who asks is decided by IAM, never by the payload. */
export const handler = (event: unknown, context: { awsRequestId: string }): Promise<SignResponse> =>
  signRequest(event, context.awsRequestId);
