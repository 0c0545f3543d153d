import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { required } from '@helseid-zones/protocol/values';
import { SESSION_COOKIE } from '../../functions/login-common/cookies.ts';
import { eventNames, recordName } from '../../infra/declaration/names.ts';
import { type EventFile, fillIn, makeOrganizationNumber, putEvent } from '../../local/app/events.ts';
import { operatorAccess, sampleZone } from '../../local/app/steps/facts.ts';
import type { Visitor } from '../../local/app/steps/log-in.ts';
import type { LocalSystem } from '../../local/app/system.ts';
import { callJson } from '../../local/aws/aws-client.ts';

const PATIENCE = 60_000;

/** Documents that come again under each mix of releases. */
export function openDocuments(system: LocalSystem) {
  const { zone, grant, event: sample } = sampleZone(system);
  const { bus } = eventNames(system.declaration.name, zone);
  const sent: { event: EventFile; organization: string }[] = [];

  async function send(event: EventFile): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    let id: string | undefined;
    const look = () => {
      const line = system.trail.lines().find(({ fields }) => fields['eventId'] === id);
      if (id !== undefined && line) resolve(line.fields['code'] ?? line.fields['message']);
    };
    const stop = system.trail.subscribe(look);
    const late = setTimeout(reject, PATIENCE, new Error('nobody has said what became of an event'));
    id = await putEvent(operatorAccess(system), bus, event);
    look();
    const outcome = await promise.finally(() => {
      clearTimeout(late);
      stop();
    });
    assert.equal(outcome, 'document.submitted');
  }

  return {
    /** Sends a new document, and those of the mixes before again: the API must have been sent each once. */
    async sendAll(): Promise<void> {
      const organization = makeOrganizationNumber();
      sent.push({ event: fillIn(sample, organization), organization });
      for (const { event } of sent) await send(event);
      const { calls = [] } = system.standIns?.apis.get(required(grant.apis[0], 'An API').api) ?? {};
      for (const each of sent) {
        assert.equal(calls.filter(({ child }) => child === each.organization).length, 1);
      }
    },
  };
}

/** The first value of a cookie whose name begins so, as a browser was given it. */
function givenCookie({ browser }: Visitor, prefix: string): string {
  const lines = browser.history.flatMap(({ headers }) => headers.getSetCookie());
  const [, value] =
    /=([^;]+)/.exec(
      required(
        lines.findLast((line) => line.startsWith(prefix)),
        prefix,
      ),
    ) ?? [];
  return required(value, prefix);
}

/**
 * What is stored now, as test/golden/stored.test.ts reads it: the versions of a client's secret (records and the plans of rotations),
 * the session of a visitor, the login that another has begun, with their secret ids, and an event of `folder`, the release's files.
 */
export async function describeStored(system: LocalSystem, visitor: Visitor, other: Visitor, folder: string) {
  const at = Date.now();
  const sample = readJson(folder, 'examples', 'document-created.json') as EventFile;
  await other.begin();
  const TableName = system.aws.functions.flatMap(({ environment }) => environment['SESSION_TABLE'] ?? [])[0];
  const { body } = await callJson(operatorAccess(system), 'dynamodb', 'DynamoDB_20120810.Scan', {
    TableName,
  });
  const [client, { clientId, issuer }] = required(Object.entries(system.declaration.clients)[0], 'A client');
  const { versions } = system.aws.secrets.find(recordName(system.declaration.name, client)).stored;
  return {
    at,
    owner: { client, clientId, issuer },
    secrets: versions.flatMap(({ text }) => (text === undefined ? [] : [text])),
    session: givenCookie(visitor, SESSION_COOKIE),
    login: givenCookie(other, '__Host-login-'),
    items: (body as { Items: object[] }).Items,
    event: { ...sample, ...fillIn(sample) },
  };
}

function readJson(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(...path), 'utf8'));
}
