import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { createAwsCaller } from '@helseid-zones/client/aws';
import { required } from '@helseid-zones/protocol/values';
import { systemClock } from '../../../functions/common/clock.ts';
import { zoneQueues } from '../../../infra/declaration/function-resources.ts';
import { eventNames, signerName } from '../../../infra/declaration/names.ts';
import { redrive } from '../../../infra/keys/redrive.ts';
import { objectOf } from '../../../infra/proof/assembly/json.ts';
import { resourcesOfType } from '../../../infra/proof/assembly/resolve.ts';
import { callGateway } from '../../aws/aws-client.ts';
import { readFigures, ringsAt, ringsOn } from '../../aws/metrics.ts';
import { fillIn, isOutcome, putEvent } from '../events.ts';
import type { LocalSystem } from '../system.ts';
import { callRoute, sendCallingEvent, sendEvent } from './entries.ts';
import {
  arnOf,
  callingZone,
  gatewayZone,
  grantUsed,
  lacks,
  linesDuring,
  operatorAccess,
  otherZone,
  samplePath,
  sampleZone,
  step,
  stepUnfit,
  until,
} from './facts.ts';

/** Milliseconds: between calls, and for which KMS throttles. */
const PAUSE = 100;
const THROTTLED = 3000;

/** An event whose zone has no signer fails five times, lies in the dead letters with its reason, which the alarm rings for, and is done once it is sent again. */
export const deadLetterRings = step('dead-letter-rings', [sampleZone], async (system, facts) => {
  const { zone, declared, functionName, askerName, event } = facts;
  const { aws, trail, declaration } = system;
  await sendCallingEvent(system);
  const [names] = zoneQueues(declaration.name, zone, declared);
  const { queue: queueName, deadLetters } = required(names, 'A queue');
  const queue = aws.queues.find(queueName);
  const dead = aws.queues.find(deadLetters);
  const before = dead.count().visible;
  const functionArn = arnOf(aws, askerName);
  const where = { service: 'lambda', operation: 'Invoke', functionArn };
  const signer = aws.faults.inject(where, { error: 'ServiceException', status: 500 });
  const id = await putEvent(operatorAccess(system), eventNames(declaration.name, zone).bus, fillIn(event));
  // After each failure the message would stay hidden for minutes; that wait is cut short.
  const stop = trail.subscribe((line) => {
    if (!isOutcome(line, id) || line.fields['outcome'] !== 'failed') return;
    const failed = queue.messages().find((message) => message.id === line.fields['message']);
    if (failed?.receipt) setImmediate(() => queue.hide(failed.receipt ?? '', 0));
  });
  try {
    await until(() => dead.count().visible > before, `${functionName} did not give the event up`);
  } finally {
    stop();
    signer.end();
  }
  const failures = trail.lines().filter((line) => isOutcome(line, id)).length;
  // Of those on messages that can be received from the queue.
  const rings = alarmsOf(system)
    .filter(({ MetricName }) => MetricName === 'ApproximateNumberOfMessagesVisible')
    .filter(({ Dimensions }) => JSON.stringify(Dimensions).includes(`"${deadLetters}"`))
    .filter((alarm) => ringsAt(alarm, dead.count().visible));
  assert(rings.length > 0, `no alarm rings for what lies in ${deadLetters}`);
  const said: string[] = [];
  const { result } = await linesDuring(system, async () => {
    await redrive(redriver(system, said), { zone, yes: true });
    await until(
      () => trail.lines().some((line) => isOutcome(line, id) && line.fields['outcome'] === 'done'),
      'what was sent again is not done',
    );
    return said.find((line) => line.includes('signer_unavailable'));
  });
  assert(result !== undefined, `redrive does not say why: ${said.join('; ')}`);
  return `failed ${failures} times, then ${rings[0]?.AlarmName} rings; redrive says signer_unavailable, and it is done`;
});

/** While KMS throttles one zone's signer, its requests succeed or fail coded, and the other zone's go on; then all succeed, by themselves. */
export const faultHeals = step('fault-heals', [otherThanSample], async (system, facts) => {
  const { aws } = system;
  const { zone, declared } = facts;
  const { lines, result: path } = await linesDuring(system, () => callRoute(system));
  const grant = grantUsed(system, facts, lines);
  if (grant === undefined) throw stepUnfit(`GET ${path} has nothing signed`);
  await sendEvent(system);
  const functionArn = arnOf(aws, signerName(system.declaration.name, grant.client, zone));
  const where = { service: 'kms', operation: 'Sign', functionArn };
  const throttled = aws.faults.inject(where, { error: 'ThrottlingException' });
  const over = Date.now() + THROTTLED;
  const counts = new Map<string, number>();
  const ask = async () => {
    const access = { ...operatorAccess(system), url: system.gatewayUrl(zone) };
    const { status, body } = await callGateway(access, samplePath(path));
    const code = objectOf(body)['code'];
    assert(status === 200 || typeof code === 'string', `GET ${path} answered ${status} without a code`);
    const what = status === 200 ? 'done' : `${status} ${code}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
    return status === 200;
  };
  let events = 0;
  try {
    const lanes = [ask, async () => void (await sendEvent(system).then(() => (events += 1)))].map(
      async (call) => {
        while (Date.now() < over) {
          await call();
          await wait(PAUSE);
        }
      },
    );
    const [first] = (await Promise.allSettled(lanes)).filter(({ status }) => status === 'rejected');
    if (first?.status === 'rejected') throw first.reason;
  } finally {
    throttled.end();
  }
  assert(throttled.met() > 0, `KMS throttled nothing of zone ${zone}`);
  const healed = Date.now();
  await until(ask, `zone ${zone} does not recover`);
  const took = Date.now() - healed;
  for (let count = 0; count < 3; count += 1) await callRoute(system);
  const outcomes = [...counts].map(([what, count]) => `${count} ${what}`).join(', ');
  return `${throttled.met()} signatures of zone ${zone} throttled (${declared.grants.length} grant(s)): ${outcomes}; recovered after ${took} ms; ${events} events of the other zone done meanwhile`;
});

/**
 * A zone can't ask another's signer, which then has nothing to tell; what it asks its own for beyond its grant is refused, and the deployed
 * alarm of its own signer, and no other, rings on the figure that the signer writes.
 */
export const zoneProbeRings = step('zone-probe-rings', [unlikeGrants], async (system, [prober, probed]) => {
  const { method, url } = probed.apiCall();
  const intent = { kind: 'dpop_proof', client: probed.grant.client, method, url };
  const access = prober.asker('lambda');
  const { lines, result } = await linesDuring(system, async () => {
    const denied = await probed.askSigner(access, intent);
    assert(denied.error?.code === 'AccessDeniedException', `another's signer answered ${denied.status}`);
    return prober.askSigner(access, intent);
  });
  const { code } = objectOf(objectOf(result.body).error);
  assert(code === 'grant_refused', `its own signer answered ${code ?? 'with signatures'}`);
  const figures = lines.flatMap(({ fields }) => readFigures(fields));
  const rings = alarmsOf(system)
    .filter((alarm) => figures.some((figure) => ringsOn(alarm, figure)))
    .map(({ AlarmName }) => String(AlarmName));
  const expected = `${prober.signerName}-RefusedIntents`;
  assert(rings.join() === expected, `instead of ${expected} rings: ${rings.join(', ') || 'nothing'}`);
  return `${probed.signerName} can't be asked by zone ${prober.zone}; its own refuses (${code}), and ${expected} rings`;
});

/** {@link otherZone} and {@link callingZone}, where they don't have one client and one API. */
function unlikeGrants(system: LocalSystem) {
  const zones = [otherZone(system), callingZone(system)] as const;
  const [{ grant: one }, { grant: other }] = zones;
  const alike =
    one.client === other.client && one.apis.some(({ api }) => other.apis.some((own) => own.api === api));
  return alike ? lacks('two zones have one client and one API') : zones;
}

/** {@link gatewayZone}, where it is another than the sample event's. */
function otherThanSample(system: LocalSystem) {
  const facts = gatewayZone(system);
  return facts.signerName === sampleZone(system).signerName
    ? lacks('route and event are of one zone')
    : facts;
}

/** The deployed alarms. */
function alarmsOf({ assembly }: LocalSystem) {
  return resourcesOfType(assembly, 'AWS::CloudWatch::Alarm').map(({ properties }) => properties);
}

/** Who redrives: the operator, with the trail for CloudWatch's logs. */
function redriver(system: LocalSystem, said: string[]): Parameters<typeof redrive>[0] {
  const { region, credentials, url } = operatorAccess(system);
  return {
    system: system.declaration,
    say: (line) => void said.push(line),
    clock: systemClock,
    aws: createAwsCaller({ region, credentials, endpoints: { sqs: url } }),
    logLines: async (_zone, name, field, values) =>
      system.trail
        .lines()
        .filter((line) => line.function === name && values.includes(String(line.fields[field])))
        .map(({ fields }) => JSON.stringify(fields)),
  };
}
