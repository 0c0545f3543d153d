import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { deriveGrants } from '../declaration/derive.ts';
import { signerName } from '../declaration/names.ts';
import { escapeControls } from '../terminal.ts';
import { type Operator, openClients } from './operator.ts';
import type { KeyOptions } from './options.ts';
import { reconcile, type TrailEvent } from './reconcile.ts';
import { readRecords } from './records.ts';
import { showTrace } from './trace.ts';

/** How many of a kind are shown. */
const SHOWN = 20;

/**
 * `npm run audit -- --reconcile FILE…`: names each signature with a client key that is not a signer's or that no signer tells of, each that
 * CloudTrail does not have, and what could not be read. Without files, those of the local system. Exit status 1 where there is
 * anything to name.
 * @throws {ZonesError} config_invalid: no file, one that can't be read, or no signature in any
 */
export async function audit(operator: Operator, { reconcile: given, trace }: KeyOptions): Promise<void> {
  if (trace !== undefined) return showTrace(operator, trace);
  const { system } = operator;
  const files = given.length > 0 ? given : localFiles(operator.localLogs);
  const keys = await Promise.all(
    openClients(operator).map(async ({ name: client, store }) => {
      const grants = deriveGrants(system).filter((grant) => grant.client === client);
      const signers = grants.map(({ zone }) => signerName(system.name, client, zone));
      return (await store.read()).keys.map(({ keyArn, kid }) => [keyArn, { kid, signers }] as const);
    }),
  );
  const unread: string[] = [];
  const records = readRecords(files, (what) => void unread.push(what));
  const found = reconcile(records, new Map(keys.flat()), system.name);
  const { matched, unreleased, foreign, unaudited, unrecorded } = found;
  if (matched + unreleased + foreign.length + unaudited.length + unrecorded.length === 0)
    throw new ZonesError(
      'config_invalid',
      `No signature with a key of ${system.name} is in ${files.join(', ')}.`,
    );
  operator.say(
    `${matched} signatures are in CloudTrail and in the audit; ${unreleased} more nobody got, as their lines failed or refused say.`,
  );
  const tell = (what: string, lines: readonly string[]) => {
    if (lines.length === 0) return;
    process.exitCode = 1;
    operator.say(`\n${lines.length} ${what}`);
    for (const line of lines.slice(0, SHOWN)) operator.say(`  ${escapeControls(line)}`);
    if (lines.length > SHOWN) operator.say(`  and ${lines.length - SHOWN} more`);
  };
  tell(
    'by no signer of the key, or not through an endpoint: act at once (docs/keys.md)',
    foreign.map(describeEvent),
  );
  tell(
    'by a signer, whose lines do not tell of it. Its answer from KMS may have been lost, then a line failed of that second says so; else somebody has its credentials: act at once.',
    unaudited.map(describeEvent),
  );
  tell(
    'that CloudTrail does not have, or has once for two lines, of another key or another time. Are the files of the same period? CloudTrail is a quarter of an hour late.',
    unrecorded.map(
      ({ timestamp, kms_request, kid, client, zone }) =>
        `${timestamp}  ${kms_request ?? 'no id of a call'}  ${client} of ${zone}  ${kid ?? ''}`,
    ),
  );
  tell('not read, so nothing in them was compared:', unread);
}

function describeEvent({
  eventTime,
  requestID,
  userIdentity,
  vpcEndpointId,
  sourceIPAddress,
}: TrailEvent): string {
  const who = userIdentity?.arn ?? 'nobody that CloudTrail names';
  return [eventTime ?? 'at no time', requestID ?? 'no id', who, vpcEndpointId ?? sourceIPAddress ?? ''].join(
    '  ',
  );
}

function localFiles(logs: string | undefined): string[] {
  if (logs === undefined)
    throw new ZonesError(
      'config_invalid',
      'Say which files: npm run audit -- --reconcile TRAIL… LOG… (docs/operating.md).',
    );
  const names = readdirSync(logs).filter((name) => name === 'cloudtrail.log' || name.includes('-signer-'));
  return names.map((name) => join(logs, name));
}
