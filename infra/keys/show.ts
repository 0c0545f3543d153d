import type { KeyEntry } from '@helseid-zones/protocol/record';
import { candidateKey, currentKey } from '@helseid-zones/protocol/record-states';
import { describeClientKey, isTooYoungToBeGone, readClientKey } from '../../functions/common/client-keys.ts';
import type { ClientDeclaration } from '../declaration/schema.ts';
import { table } from '../terminal.ts';
import { keysCommand, type Operator, openClients, patientKms } from './operator.ts';
import type { KeyOptions } from './options.ts';

/** Prints a table of every key of every client, or of one. */
export async function showKeys(operator: Operator, { client }: KeyOptions): Promise<void> {
  for (const { name, store, declared } of openClients(operator, client)) {
    const { keys } = await store.read();
    operator.say(`Client ${name} (${declared.clientId})`);
    const rows = await Promise.all(keys.map((key) => describe(operator, key, declared)));
    const [first] = rows;
    operator.say(
      first === undefined
        ? `  No key yet: ${keysCommand(operator, `rotate ${name}`)} makes the first one.`
        : table([Object.keys(first), ...rows.map((row) => Object.values(row))], Number.MAX_SAFE_INTEGER),
    );
    operator.say('');
  }
}

/** A row, by column. */
async function describe(operator: Operator, key: KeyEntry, declared: ClientDeclaration) {
  const { state } = await describeClientKey(operator.kms, key.keyArn);
  const last = await operator.lastSignature(key.keyArn, key.kid);
  const isNew = state === 'Gone' && isTooYoungToBeGone(key, operator.clock.now());
  return {
    kid: key.kid,
    algorithm: key.algorithm,
    state: key.state,
    'in KMS': isNew ? 'not yet known' : state,
    created: formatTime(key.since.created),
    registered: formatTime(key.since.registered),
    expires: describeExpiry(key, declared),
    'last signature': last === undefined ? 'not known' : formatTime(last),
    'tokens depend on it': dependsOn(key, operator.clock.now()),
  };
}

function describeExpiry({ expires, since }: KeyEntry, { selfService }: ClientDeclaration): string {
  if (expires !== undefined) return formatTime(expires);
  if (!selfService) return 'see the portal';
  return since.registered === undefined ? '–' : 'HelseID gave none';
}

function dependsOn({ state, usableUntil = 0 }: KeyEntry, now: number): string {
  if (state === 'current') return 'yes';
  if (state === 'registered' || state === 'verified') return 'perhaps, after a fallback';
  if (state === 'retiring') return now < usableUntil ? `until ${formatTime(usableUntil)}` : 'no longer';
  return 'no';
}

/** Minutes are enough for people; UTC, as in the logs. */
function formatTime(seconds: number | undefined): string {
  if (seconds === undefined) return '–';
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

/** Prints the public JWK that shall be registered: of the key on its way, or else of the current one. */
export async function printJwks(operator: Operator, { client }: KeyOptions): Promise<void> {
  for (const { name, store, declared } of openClients(operator, client)) {
    const record = await store.read();
    const key = candidateKey(record) ?? currentKey(record);
    if (!key) {
      operator.say(
        `Client ${name} has no key yet: ${keysCommand(operator, `rotate ${name}`)} makes the first one.`,
      );
      continue;
    }
    const { publicKey, kid } = await readClientKey(patientKms(operator), key);
    // `registered` is written before it is posted.
    const unless = key.state === 'registered' ? ', unless it is listed there' : '';
    const waits = unless !== '' || key.state === 'created';
    const advice = waits ? `register this at ${record.issuer}${unless}` : 'registered already';
    operator.say(`Client ${name} (${declared.clientId}), key in state ${key.state}: ${advice}.`);
    operator.say(JSON.stringify({ ...publicKey, kid, alg: key.algorithm, use: 'sig' }, null, 2));
    if (waits)
      operator.say(`Then: ${keysCommand(operator, `verify ${name}`)}, or wait for the hourly check.`);
  }
}
