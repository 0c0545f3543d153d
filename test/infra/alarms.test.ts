import { readFileSync } from 'node:fs';
import { createLog } from '@helseid-zones/client/log';
import { getAccessToken } from '@helseid-zones/client/machine-token';
import { countRequests } from '@helseid-zones/client/zone-clients';
import { type ErrorCode, ZonesError } from '@helseid-zones/protocol/errors';
import type { APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import multiTenant from '../../examples/multi-tenant.zones.ts';
import { authorizeRequest } from '../../functions/authorizer/authorize.ts';
import { ALARMS } from '../../infra/alarm-kinds.ts';
import { ISSUER, makeWorld, type World } from '../client/make-client.ts';
import { collectLog } from '../fakes/log.ts';
import { makeKeys, makePorts, makeRequest, RULES } from '../functions/authorizer/make-request.ts';
import shipped from '../one-client.zones.ts';
import ownThings from '../own-things.zones.ts';
import { about, type Resource, statementsOf, synthesize, synthesizeTemplates, text } from './synthesize.ts';
import { type Reported, reportedIn, writtenBySigner } from './written-by-signer.ts';

const assembly = synthesize();
const SIGNING = 'journal-signing';
const PUBLIC = 'journal-zone-public';
const INTERNAL = 'journal-zone-internal';

/** An alarm as it stands in a template. */
interface Alarm {
  AlarmName: string;
  AlarmDescription: string;
  Namespace: string;
  MetricName: string;
  Dimensions: { Name: string; Value: unknown }[];
  Statistic: 'Sum' | 'Maximum' | 'Minimum';
  Threshold: number;
  ComparisonOperator: string;
  TreatMissingData: string;
  AlarmActions: unknown[];
}

const alarmsIn = (stack?: string, of = assembly) =>
  of.ofType('AWS::CloudWatch::Alarm', stack).map(([, { Properties }]) => Properties as unknown as Alarm);
const alarm = (name: string) => {
  const found = alarmsIn().find(({ AlarmName }) => AlarmName === name);
  if (!found) throw new Error(`no alarm ${name}`);
  return found;
};
const dimensionsOf = ({ Dimensions }: Alarm) =>
  Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]));

/** What CloudWatch makes of an alarm of one period on what was reported in it. Refuses what this system has no use for. */
function stateOf(of: Alarm, reported: readonly Reported[]): string {
  const values = reported
    .filter(({ namespace, metric }) => namespace === of.Namespace && metric === of.MetricName)
    .filter(({ dimensions }) => same(dimensions, dimensionsOf(of)))
    .flatMap((each) => each.values);
  if (values.length === 0)
    return { notBreaching: 'OK', missing: 'INSUFFICIENT_DATA' }[of.TreatMissingData] ?? 'ALARM';
  const statistics = {
    Sum: values.reduce((sum, value) => sum + value, 0),
    Maximum: Math.max(...values),
    Minimum: Math.min(...values),
  };
  const value = statistics[of.Statistic];
  const breaches = {
    GreaterThanThreshold: value > of.Threshold,
    LessThanThreshold: value < of.Threshold,
  }[of.ComparisonOperator];
  if (breaches === undefined) throw new Error(`unknown operator ${of.ComparisonOperator}`);
  return breaches ? 'ALARM' : 'OK';
}

function same(one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>): boolean {
  const sorted = (all: object) => JSON.stringify(Object.entries(all).sort(([a], [b]) => a.localeCompare(b)));
  return sorted(one) === sorted(other);
}

/** What a signer of the public zone reports when it answers with these errors. */
const reportedBySigner = (codes: readonly ErrorCode[]) =>
  writtenBySigner((audit) => {
    for (const code of codes) audit.recordRefused(['dpop_proof'], new ZonesError(code, 'No.'));
  }).reported;

/** What a token client of the public zone, for the client journal, reports while `go` uses it. */
async function reportedByClient(go: (world: World) => Promise<unknown>): Promise<Reported[]> {
  const log = collectLog();
  await go(await makeWorld({ report: countRequests(log, 'journal') }));
  return reportedIn(log.lines);
}

const assertionOf = ({ name, issuer }: World['client']) =>
  ({ kind: 'client_assertion', client: name, issuer }) as const;

/** A dimension as the double of a log has it. */
const hereOf = ({ Name }: { Name: string }) => ({
  Name,
  Value: { service: 'journal', zone: 'public' }[Name],
});

/** What something in a template is called where metrics name it. */
const idOf = (stack: string, start: string, type?: string) => {
  const [only, ...more] = Object.entries(assembly.resources(stack))
    .filter(([id, { Type }]) => id.startsWith(start) && (type === undefined || type === Type))
    .map(([id]) => id);
  if (!only || more.length > 0) throw new Error(`${stack}: not one ${start}`);
  return only;
};
const queue = (start: string) => ({ QueueName: { 'Fn::GetAtt': [idOf(INTERNAL, start), 'QueueName'] } });
const signer = { FunctionName: { Ref: idOf(SIGNING, 'SignerpublicjournalFunction') } };

/** Names as AWS's pages have them, on the very things of the templates. */
const [SQS, VISIBLE, LAMBDA] = ['AWS/SQS', 'ApproximateNumberOfMessagesVisible', 'AWS/Lambda'];
const TABLE = { TableName: 'journal-internal-idempotency' };
const API = { ApiName: 'journal-public', Stage: 'live' };
const namesOf = (stack: string) => ({
  FirewallRuleGroupId: {
    'Fn::GetAtt': [idOf(stack, 'NetworkNameRules', 'AWS::Route53Resolver::FirewallRuleGroup'), 'Id'],
  },
  FirewallDomainListId: { 'Fn::GetAtt': [idOf(stack, 'NetworkEveryName'), 'Id'] },
});
type Fired = [name: string, quiet: number, enough: number, space: string, metric: string, dimensions: object];
const FIRED: readonly Fired[] = [
  ['journal-internal-DeadLetters', 0, 1, SQS, VISIBLE, queue('EventsDeadLetters8')],
  ['journal-internal-UndeliveredEvents', 0, 1, SQS, VISIBLE, queue('EventsUndelivered2')],
  ['journal-public-GatewayErrors', 4, 5, 'AWS/ApiGateway', '5XXError', API],
  ['journal-signer-journal-public-FunctionErrors', 0, 1, LAMBDA, 'Errors', signer],
  ['journal-signer-journal-public-Throttles', 9, 10, LAMBDA, 'Throttles', signer],
  ['journal-internal-OldestEvent', 1799, 1800, SQS, 'ApproximateAgeOfOldestMessage', queue('EventsQueue7')],
  ['journal-internal-idempotency-TableThrottles', 0, 1, 'AWS/DynamoDB', 'WriteThrottleEvents', TABLE],
  ...[PUBLIC, INTERNAL, SIGNING].map((stack): Fired => {
    const name = `${stack.replace('-zone', '')}-BlockedNames`;
    return [name, 0, 1, 'AWS/Route53Resolver', 'FirewallRuleQueryVolume', namesOf(stack)];
  }),
];

describe('an alarm can fire', () => {
  test.each(FIRED)('%s', (name, quiet, enough, namespace, metric, dimensions) => {
    const of = { namespace, metric, dimensions: { ...dimensions } };
    expect(stateOf(alarm(name), [{ ...of, values: [quiet] }])).toBe('OK');
    expect(stateOf(alarm(name), [{ ...of, values: [enough] }])).toBe('ALARM');
  });

  test('on what a signer reports of refused intents, of its own zone alone', () => {
    const probed = reportedBySigner(['grant_refused']);
    expect(stateOf(alarm('journal-signer-journal-public-RefusedIntents'), probed)).toBe('ALARM');
    expect(stateOf(alarm('journal-signer-journal-internal-RefusedIntents'), probed)).toBe('OK');
    expect(stateOf(alarm('journal-signer-journal-public-SignatureFailures'), probed)).toBe('OK');
  });

  test('on what a signer reports of failures, and those are no probing', () => {
    const some = Array.from({ length: 4 }, (): ErrorCode => 'key_not_usable');
    const failures = 'journal-signer-journal-public-SignatureFailures';
    expect(stateOf(alarm(failures), reportedBySigner(some))).toBe('OK');
    const more = reportedBySigner([...some, 'kms_unavailable']);
    expect(stateOf(alarm(failures), more)).toBe('ALARM');
    expect(stateOf(alarm('journal-signer-journal-public-RefusedIntents'), more)).toBe('OK');
  });

  test('on what a signer reports of KMS that throttles', () => {
    const throttled = reportedBySigner(['kms_throttled']);
    expect(stateOf(alarm('journal-signer-journal-public-KmsThrottled'), throttled)).toBe('ALARM');
    const others = reportedBySigner(['kms_unavailable']);
    expect(stateOf(alarm('journal-signer-journal-public-KmsThrottled'), others)).toBe('OK');
  });

  test('on what a signer reports of KMS that is slow', () => {
    const slow = alarm('journal-signer-journal-public-KmsSlow');
    const signed = { kind: 'dpop_proof', target: 't', kid: 'k', jti: 'j', kmsRequest: 'r', lost: 0 } as const;
    const took = (latency: number) =>
      writtenBySigner((audit) => audit.recordSigned([{ ...signed, latency }])).reported;
    expect(stateOf(slow, took(1000))).toBe('OK');
    expect(stateOf(slow, took(1001))).toBe('ALARM');
  });

  test('on what a token client reports: why there are no tokens, but for what is ordinary', async () => {
    const failures = alarm('journal-public-journal-TokenFailures');
    const refused = (error: string, times: number) =>
      reportedByClient(async ({ client, issuer }) => {
        issuer.behaviour.fail = () => Response.json({ error }, { status: 400 });
        for (let count = 0; count < times; count += 1) await getAccessToken(client).catch(() => {});
      });
    expect(stateOf(failures, await refused('invalid_scope', 4))).toBe('OK');
    const more = await refused('invalid_scope', 5);
    expect(stateOf(failures, more)).toBe('ALARM');
    expect(stateOf(alarm('journal-internal-journal-TokenFailures'), more)).toBe('OK');
    expect(stateOf(alarm('journal-public-journal-InvalidClient'), more)).toBe('OK');
    const causes = (all: readonly Reported[]) => [
      ...new Set(all.flatMap(({ dimensions }) => dimensions['cause'] ?? [])),
    ];
    expect(causes(more)).toEqual(['invalid_scope']);
    expect(causes(await refused('made up by the issuer', 1))).toEqual(['token_refused']);
    expect(stateOf(failures, await refused('invalid_grant', 9))).toBe('OK');
  });

  test.each([
    ['a page of a proxy', () => new Response('<html>', { status: 400 })],
    ['a page of a proxy that says it is well', () => new Response('<html>', { status: 200 })],
    ['a bearer token', () => Response.json({ access_token: 'a', token_type: 'Bearer', expires_in: 60 })],
  ])('on answers without a token that can be used: %s', async (_, fail) => {
    const reported = await reportedByClient(async ({ client, issuer }) => {
      issuer.behaviour.fail = fail;
      for (let count = 0; count < 5; count += 1)
        await expect(getAccessToken(client)).rejects.toMatchObject({ code: 'token_invalid' });
    });
    expect(stateOf(alarm('journal-public-journal-TokenFailures'), reported)).toBe('ALARM');
    expect(reported.filter(({ metric }) => metric === 'Tokens')).toEqual([]);
  });

  test('on a key that the record calls current and the issuer does not take, also where the next one works', async () => {
    const refused = alarm('journal-public-journal-InvalidClient');
    const forgotten = async ({ client, issuer, signer }: World, next: boolean) => {
      issuer.unregister((await signer.sign([assertionOf(client)]))[0]?.kid ?? '');
      if (next) issuer.register(signer.addKey());
      await getAccessToken(client).catch(() => {});
    };
    for (const next of [false, true])
      expect(stateOf(refused, await reportedByClient((world) => forgotten(world, next)))).toBe('ALARM');
    const good = await reportedByClient(({ client }) => getAccessToken(client));
    expect(stateOf(refused, good)).toBe('OK');
    expect(good.find(({ metric }) => metric === 'Tokens')?.values).toEqual([1]);
  });

  // The issuer's Date has whole seconds: a clock that is ahead may be right by one second less.
  test.each([
    [0, 'OK'],
    [-2999, 'OK'],
    [-3000, 'ALARM'],
    [3998, 'OK'],
    [3999, 'ALARM'],
  ])('on a clock that is %i ms from the issuer’s: %s', async (off, state) => {
    const seen = await reportedByClient(async ({ client, clock, network, issuer }) => {
      const date = new Date(clock.now).toUTCString();
      network.mount(new URL(ISSUER).origin, async (request) => {
        const answer = await issuer.handle(request);
        answer.headers.set('date', date);
        return answer;
      });
      clock.now += off;
      await getAccessToken(client);
    });
    expect(stateOf(alarm('journal-public-journal-ClockDifference'), seen)).toBe(state);
  });

  test('on proofs that the authorizer has seen before', async () => {
    const log = collectLog();
    const keys = await makeKeys();
    const settings = { rules: RULES, baseUrl: undefined };
    const ports = makePorts(keys.issuer.jwk);
    const { headers, method } = await makeRequest(keys);
    const event = {
      resource: '/v1/summaries/{id}',
      httpMethod: method,
      methodArn: 'arn',
      multiValueHeaders: Object.fromEntries(headers.map(([name, value]) => [name, [value]])),
      requestContext: { requestId: 'r', domainName: 'api.example', path: '/v1/summaries/1' },
    } as unknown as APIGatewayRequestAuthorizerEvent;
    const ask = () => authorizeRequest({ settings, ports, ...log }, event).catch(() => {});
    for (let count = 0; count < 5; count += 1) await ask();
    const called = alarmsIn(undefined, synthesizeTemplates(multiTenant)).find(({ AlarmName }) =>
      AlarmName.endsWith('-Replays'),
    ) as Alarm;
    const here = { ...called, Dimensions: called.Dimensions.map(hereOf) };
    expect(stateOf(here, reportedIn(log.lines))).toBe('OK');
    await ask();
    expect(stateOf(here, reportedIn(log.lines))).toBe('ALARM');
  });

  test('on the memory that a function uses, which it says with its lines, seldom', () => {
    const lines: Record<string, unknown>[] = [];
    let time = 1_800_000_000_000;
    const megabytes = process.memoryUsage.rss() / 1024 / 1024;
    const write = (size: number) =>
      createLog({
        service: 'journal',
        zone: 'public',
        now: () => time,
        env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(Math.round(size)), AWS_LAMBDA_FUNCTION_NAME: 'f' },
        write: (line) => void lines.push(JSON.parse(line)),
      });
    const memory = alarm('journal-public-MemoryUsed');
    const roomy = write(4 * megabytes);
    roomy.audit('a', {});
    roomy.audit('b', {});
    time += 300_000;
    roomy.audit('c', {});
    expect(lines.filter((line) => '_aws' in line)).toHaveLength(2);
    expect(stateOf(memory, reportedIn(lines))).toBe('OK');
    write(megabytes).count({ Signed: 1 });
    expect(lines.at(-1)).toMatchObject({ function: 'f' });
    expect(stateOf(memory, reportedIn(lines))).toBe('ALARM');
  });

  test('on a function that runs for most of its time', () => {
    const name = { Ref: idOf(PUBLIC, 'summaryFunction', 'AWS::Lambda::Function') };
    const of = { namespace: 'AWS/Lambda', metric: 'Duration', dimensions: { FunctionName: name } };
    const timeout = Number(assembly.find(PUBLIC, 'summaryFunction').Properties['Timeout']);
    const states = [799, 800].map((share) =>
      stateOf(alarm('journal-public-summary-DurationUsed'), [{ ...of, values: [share * timeout] }]),
    );
    expect(states).toEqual(['OK', 'ALARM']);
  });

  test('on a schedule that could not be started', () => {
    const own = synthesizeTemplates(ownThings);
    const failing = alarmsIn(undefined, own).filter(({ AlarmName }) =>
      AlarmName.endsWith('-FailedInvocations'),
    );
    expect(failing.length).toBeGreaterThan(0);
    for (const each of failing) {
      const [rule] = own
        .ofType('AWS::Events::Rule')
        .filter(([, { Properties }]) => each.AlarmName.startsWith(`${Properties['Name']}-`));
      const dimensions = { RuleName: { Ref: rule?.[0] } };
      const of = { namespace: 'AWS/Events', metric: 'FailedInvocations', dimensions };
      expect([0, 1].map((value) => stateOf(each, [{ ...of, values: [value] }]))).toEqual(['OK', 'ALARM']);
    }
  });

  test('on what a schedule started and Lambda gave up', () => {
    const dropped = alarmsIn(undefined, synthesizeTemplates(ownThings)).filter(({ AlarmName }) =>
      AlarmName.endsWith('-AsyncEventsDropped'),
    );
    expect(dropped.length).toBeGreaterThan(0);
    for (const each of dropped) {
      const of = { namespace: 'AWS/Lambda', metric: 'AsyncEventsDropped', dimensions: dimensionsOf(each) };
      expect(dimensionsOf(each)).toEqual({ FunctionName: { Ref: expect.stringMatching(/Function/) } });
      expect([0, 1].map((value) => stateOf(each, [{ ...of, values: [value] }]))).toEqual(['OK', 'ALARM']);
    }
  });

  test('from where a declaration says', () => {
    const changed = synthesizeTemplates({ ...shipped, alarms: { GatewayErrors: 20, DaysToExpiry: 50 } });
    const thresholds = (kind: string) => {
      const ofKind = alarmsIn(undefined, changed).filter(({ AlarmName }) => AlarmName.endsWith(`-${kind}`));
      return [...new Set(ofKind.map(({ Threshold }) => Threshold))];
    };
    expect(['GatewayErrors', 'DaysToExpiry', 'Throttles'].map(thresholds)).toEqual([[19], [50], [9]]);
  });

  test('and none is missing here', () => {
    const known = [
      ...FIRED.map(([name]) => name.replace(/.*-/, '')),
      'RefusedIntents',
      'SignatureFailures',
      'KmsThrottled',
      'KmsSlow',
      'FailedInvocations',
      'TokenFailures',
      'InvalidClient',
      'ClockDifference',
      'Replays',
      'MemoryUsed',
      'DurationUsed',
      'AsyncEventsDropped',
    ];
    expect([...new Set(known)].sort()).toEqual(Object.keys(ALARMS).sort());
  });
});

test('no alarm is in ALARM on a fresh deploy', () => {
  expect(alarmsIn().map((each) => stateOf(each, []))).not.toContain('ALARM');
});

describe('what is watched', () => {
  const named = (kind: string) =>
    alarmsIn()
      .filter(({ AlarmName }) => AlarmName.endsWith(`-${kind}`))
      .map(dimensionsOf);

  test('every queue that something failed into', () => {
    const failedInto = assembly.stacks.flatMap((stack) => {
      const resources = Object.values(assembly.resources(stack));
      const targets = JSON.stringify(resources.map(redriveOf)).matchAll(/"Fn::GetAtt":\["(\w+)","Arn"\]/g);
      return [...targets].map(([, id]) => id);
    });
    const watched = [...named('DeadLetters'), ...named('UndeliveredEvents')];
    expect(new Set(watched.map(({ QueueName }) => text(QueueName)))).toEqual(
      new Set(failedInto.map((id) => `<${id}.QueueName>`)),
    );
  });

  test('every signer, and every API of its stage', () => {
    const signers = assembly
      .ofType('AWS::Lambda::Function', SIGNING)
      .map(([id]) => ({ FunctionName: { Ref: id } }));
    expect(named('FunctionErrors')).toEqual(signers);
    expect(named('Throttles')).toEqual(signers);
    for (const kind of ['RefusedIntents', 'SignatureFailures'])
      expect(named(kind)).toHaveLength(signers.length);
    const apis = assembly.ofType('AWS::ApiGateway::RestApi').map(([, { Properties }]) => Properties['Name']);
    const stages = assembly
      .ofType('AWS::ApiGateway::Stage')
      .map(([, { Properties }]) => Properties['StageName']);
    expect(named('GatewayErrors')).toEqual(apis.map((ApiName, at) => ({ ApiName, Stage: stages[at] })));
  });
});

/** Where a queue, a bus or a rule leaves what fails. */
function redriveOf({ Properties }: Resource): unknown {
  const targets = (Properties['Targets'] ?? []) as { DeadLetterConfig?: unknown }[];
  const { RedrivePolicy, DeadLetterConfig } = Properties;
  return [RedrivePolicy, DeadLetterConfig, targets.map((to) => to.DeadLetterConfig)];
}

describe.each([SIGNING, PUBLIC, INTERNAL, 'journal-zone-admin'])('in %s', (stack) => {
  const resources = assembly.resources(stack);
  const topics = assembly.ofType('AWS::SNS::Topic', stack);
  const [[topic, { Properties: topicProperties }]] = topics as [[string, Resource]];

  test('alarms ring on its one topic, whose ARN is said', () => {
    expect(topics).toHaveLength(1);
    for (const { AlarmActions } of alarmsIn(stack)) expect(AlarmActions).toEqual([{ Ref: topic }]);
    expect(assembly.outputs(stack)['AlarmTopic']).toBe(`<${topic}>`);
  });

  test('the topic is under its own key, which alarms of this account can use', () => {
    const [, key = ''] = /^<(\w+)\.Arn>$/.exec(text(topicProperties['KmsMasterKeyId'])) ?? [];
    const policy = assembly.find(stack, topic.replace(/Topic.*/, 'TopicPolicy'));
    const publishes = about(statementsOf(policy), 'sns:Publish').filter(({ Effect }) => Effect === 'Allow');
    const uses = statementsOf(resources[key] as Resource).filter(({ Sid }) => Sid === 'Alarms');
    expect([...publishes, ...uses]).toHaveLength(2);
    for (const { Principal, Condition } of [...publishes, ...uses]) {
      expect(Principal).toEqual({ Service: 'cloudwatch.amazonaws.com' });
      expect(Condition?.['StringEquals']).toEqual({ 'aws:SourceAccount': { Ref: 'AWS::AccountId' } });
      expect(text(Condition?.['ArnLike']?.['aws:SourceArn'])).toBe(
        'arn:aws:cloudwatch:<AWS::Region>:<AWS::AccountId>:alarm:*',
      );
    }
  });
});

test('eight page, the others wait, and each says where to read on', () => {
  const said = alarmsIn().map(({ AlarmName, AlarmDescription }) => ({
    kind: AlarmName.replace(/.*-/, ''),
    ...(/^(?<urgency>Page|Ticket): .+ \((?<page>docs\/\w+\.md)#(?<anchor>\w+)\)$/.exec(AlarmDescription)
      ?.groups ?? {}),
  })) as { kind: string; urgency?: string; page?: string; anchor?: string }[];
  expect(new Set(said.filter(({ urgency }) => urgency === 'Page').map(({ kind }) => kind)).size).toBe(8);
  for (const { kind, page = '', anchor } of said)
    expect(readFileSync(page, 'utf8').toLowerCase(), kind).toContain(`\n## ${anchor}\n`);
});

test('no two alarms have one name', () => {
  const names = alarmsIn().map(({ AlarmName }) => AlarmName);
  expect(new Set(names).size).toBe(names.length);
});
