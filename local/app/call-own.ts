import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { webhookKey } from '../../functions/webhook-guard/guard.ts';
import { functionOf } from '../../infra/declaration/function-resources.ts';
import { functionName, ownSecretName, scheduleName } from '../../infra/declaration/names.ts';
import { ownEntry } from '../../infra/declaration/problem.ts';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import { objectOf } from '../../infra/proof/assembly/json.ts';
import { type AwsAccess, type AwsAnswer, callJson, callLambda } from '../aws/aws-client.ts';
import { matchPath } from '../aws/gateway/match-route.ts';
import { ACCOUNT } from './assembly.ts';

/** The local AWS as its operator reaches it, and the declaration that runs there. */
interface Running extends AwsAccess {
  declaration: Pick<SystemDeclaration, 'name' | 'zones'>;
}

/** Something of a function, as the command line names it: such as `worker/partner-key`. */
type Named = { zone: string; name: string };

/** A request at a zone's gateway. */
type Wanted = { zone: string; method: string; path: string };

/**
 * Puts the text of a function's secret, as `aws secretsmanager put-secret-value` does on AWS.
 * @throws {ZonesError} local_failed: the declaration has none of this name, or AWS refuses
 * @throws {ZonesError} config_invalid: it is a webhook's, and the text not of its form
 */
export async function putSecret(running: Running, { zone, name }: Named, text: string): Promise<void> {
  const [owner, secret, of] = find(running, { zone, name });
  if (!of?.secrets.includes(secret)) throw unknown('secret', { zone, name });
  const { routes = [] } = ownEntry(running.declaration.zones, zone)?.gateway ?? {};
  // A text that the guard can't use would have a webhook's calls sign with another.
  if (routes.some((one) => one.function === owner && one.webhook?.secret === secret)) webhookKey(name, text);
  await secrets(running, 'PutSecretValue', {
    SecretId: ownSecretName(running.declaration.name, zone, owner, secret),
    SecretString: text,
  });
}

/**
 * Starts a function as its schedule does: by EventBridge's event, now. Resolves to what it answers.
 * @throws {ZonesError} local_failed: the declaration has no such schedule
 */
export function fireSchedule(running: Running, { zone, name }: Named): Promise<AwsAnswer> {
  const { name: system } = running.declaration;
  const [owner, schedule, of] = find(running, { zone, name });
  if (ownEntry(of?.schedules ?? {}, schedule) === undefined) throw unknown('schedule', { zone, name });
  const rule = scheduleName(system, zone, owner, schedule);
  const { region } = running;
  return callLambda(running, functionName(system, zone, owner), {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: ACCOUNT,
    time: new Date().toISOString(),
    region,
    detail: {},
    resources: [`arn:aws:events:${region}:${ACCOUNT}:rule/${rule}`],
  });
}

/** The declared route that a request goes by; nothing where there is none. */
export function findRoute({ zones }: Running['declaration'], { zone, method, path }: Wanted) {
  const { routes = [] } = ownEntry(zones, zone)?.gateway ?? {};
  return routes.find((one) => one.method === method && matchPath(one.path, path) !== undefined);
}

/**
 * The headers of Standard Webhooks with which the guard takes this body, where a request is for a route that wants them; none
 * for any other. A secret that nobody has put yet gets a key.
 */
export async function webhookHeaders(
  running: Running,
  { body, ...wanted }: Wanted & { body: string },
): Promise<Record<string, string>> {
  const route = findRoute(running.declaration, wanted);
  if (route?.webhook === undefined) return {};
  const SecretId = ownSecretName(running.declaration.name, wanted.zone, route.function, route.webhook.secret);
  let text = String(objectOf(await secrets(running, 'GetSecretValue', { SecretId }))['SecretString']);
  if (!text.startsWith('whsec_')) {
    text = `whsec_${randomBytes(32).toString('base64')}`;
    await secrets(running, 'PutSecretValue', { SecretId, SecretString: text });
  }
  const [id, timestamp] = [`msg_${randomUUID()}`, String(Math.floor(Date.now() / 1000))];
  const key = Buffer.from(text.slice('whsec_'.length), 'base64');
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` };
}

function find({ declaration }: Running, { zone, name }: Named) {
  const [owner = '', thing = ''] = name.split('/');
  const declared = ownEntry(declaration.zones, zone);
  return [owner, thing, declared && functionOf(declared, owner)] as const;
}

async function secrets(running: Running, operation: string, input: object): Promise<unknown> {
  const answer = await callJson(running, 'secretsmanager', `secretsmanager.${operation}`, input);
  if (answer.error === undefined) return answer.body;
  throw new ZonesError('local_failed', `${operation}: ${answer.error.code}, ${answer.error.message}`);
}

function unknown(what: string, { zone, name }: Named): ZonesError {
  return new ZonesError('local_failed', `zones.${zone} has no ${what} ${name} (FUNCTION/NAME) in zones.ts.`);
}
