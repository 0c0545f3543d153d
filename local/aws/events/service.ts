import { randomUUID } from 'node:crypto';
import type { Authorize } from '../authorize.ts';
import { type Input, type JsonService, serviceCall } from '../call.ts';
import { AwsError, validationError } from '../errors.ts';
import { optionalText, optionalTexts, refuseOthers, requiredText } from '../input.ts';
import type { KeyStore } from '../kms/keys.ts';
import { useKey, withKmsErrorAs } from '../kms/use-key.ts';
import type { Rule } from './delivery.ts';
import { matchesPattern } from './pattern.ts';

const MAX_ENTRIES = 10;
const ENTRY_MEMBERS = ['Source', 'DetailType', 'Detail', 'EventBusName', 'Resources', 'Time'];

/** An event bus of the template. */
export interface Bus {
  name: string;
  arn: string;
  kmsKeyId?: string;
}

/** What `PutEvents` needs. `now` is in epoch milliseconds. */
export interface EventsDeps {
  buses: readonly Bus[];
  rules: readonly Rule[];
  deliver(rule: Rule, event: object): void;
  keys: KeyStore;
  authorize: Authorize;
  account: string;
  region: string;
  now: () => number;
}

type EntryResult = { EventId: string } | { ErrorCode: string; ErrorMessage: string };

/** The local EventBridge: `PutEvents` on the buses of the template. */
export function createEvents(deps: EventsDeps): JsonService {
  return {
    name: 'events',
    target: 'AWSEvents',
    version: '1.1',
    operations: {
      PutEvents: {
        needs: (input) =>
          entriesOf(input).map((entry) => {
            const { arn } = findBus(deps, entry);
            const { Source, DetailType } = entry;
            return {
              action: 'events:PutEvents',
              resource: arn,
              context: {
                ...(typeof Source === 'string' ? { 'events:source': Source } : {}),
                ...(typeof DetailType === 'string' ? { 'events:detail-type': DetailType } : {}),
              },
            };
          }),
        run(input) {
          const Entries = entriesOf(input).map((entry) => putEntry(deps, entry));
          return { FailedEntryCount: Entries.filter((entry) => 'ErrorCode' in entry).length, Entries };
        },
      },
    },
  };
}

function entriesOf(input: Input): Input[] {
  const entries = input['Entries'];
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > MAX_ENTRIES) {
    throw validationError(
      `1 validation error detected: 'entries' must have between 1 and ${MAX_ENTRIES} members`,
    );
  }
  return entries.map((entry: unknown) =>
    typeof entry === 'object' && entry !== null ? (entry as Input) : {},
  );
}

function findBus({ buses }: EventsDeps, entry: Input): Bus {
  const name = optionalText(entry, 'EventBusName') ?? 'default';
  const bus = buses.find((candidate) => candidate.name === name || candidate.arn === name);
  if (bus === undefined) throw new AwsError('ResourceNotFoundException', `Event bus ${name} does not exist.`);
  return bus;
}

function putEntry(deps: EventsDeps, entry: Input): EntryResult {
  try {
    refuseOthers(entry, 'PutEvents', ENTRY_MEMBERS);
    const bus = findBus(deps, entry);
    const event = toEvent(deps, entry);
    useBusKey(deps, bus);
    const rules = deps.rules.filter(
      (rule) => rule.bus === bus.name && rule.pattern !== undefined && matchesPattern(rule.pattern, event),
    );
    for (const rule of rules) deps.deliver(rule, event);
    return { EventId: event.id };
  } catch (cause) {
    if (!(cause instanceof AwsError)) throw cause;
    return { ErrorCode: cause.code, ErrorMessage: cause.message };
  }
}

function toEvent(deps: EventsDeps, entry: Input) {
  const source = requiredText(entry, 'Source', 256);
  if (source.startsWith('aws.')) {
    throw new AwsError('NotAuthorizedForSourceException', 'Not authorized for the source.');
  }
  const time = entry['Time'];
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': requiredText(entry, 'DetailType', 128),
    source,
    account: deps.account,
    time: new Date(typeof time === 'number' ? time * 1000 : deps.now()).toISOString().replace(/\.\d+/, ''),
    region: deps.region,
    resources: optionalTexts(entry, 'Resources'),
    detail: parseDetail(requiredText(entry, 'Detail', 1_048_576)),
  };
}

function parseDetail(text: string): object {
  try {
    const detail: unknown = JSON.parse(text);
    if (typeof detail === 'object' && detail !== null && !Array.isArray(detail)) return detail;
  } catch {
    // answered below: a text that is no JSON and JSON that is no object are the same mistake
  }
  throw new AwsError('MalformedDetail', 'Detail is malformed.');
}

/** EventBridge encrypts events on a bus with the bus's key, for itself. */
function useBusKey(deps: EventsDeps, { arn, kmsKeyId }: Bus): void {
  if (kmsKeyId === undefined) return;
  const source = { arn, account: deps.account, region: deps.region, now: deps.now() };
  const call = serviceCall(deps.authorize, 'events.amazonaws.com', randomUUID(), source);
  withKmsErrorAs('InternalException', "EventBridge can't use the key of the bus", () =>
    useKey(deps.keys, call, kmsKeyId, {
      actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
      encryptionContext: { 'aws:events:event-bus:arn': arn },
    }),
  );
}
