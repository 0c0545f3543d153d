import type { ZoneConfig } from '@helseid-zones/protocol/config';
import { isZonesError } from '@helseid-zones/protocol/errors';
import type { Signer } from '@helseid-zones/protocol/intents';
import type { AwsCaller } from './aws.ts';
import { type Environment, entryOf, readArn } from './environment.ts';
import { createRemoteSigner } from './invoke.ts';
import type { Log } from './log.ts';
import {
  createTokenClient,
  type IssuerRequest,
  type TokenClient,
  type TokenClientDeps,
} from './token-client.ts';

/** What a zone's token clients have in common. */
interface ZoneClientsDeps extends Pick<TokenClientDeps, 'tokens' | 'timeout' | 'fetch'> {
  env: Environment;
  aws: AwsCaller;
  log: Pick<Log, 'count'>;
  /** Counts what signers make. */
  spent?: { signatures: number };
}

/**
 * The token clients of a zone by their names in the declaration, each made once, whose signers are the zone's: `SIGNERS` of the
 * environment says which. What it makes throws:
 *
 * @throws {ZonesError} config_invalid: the zone has no grant for such a client, or no signer of it
 */
export function createZoneClients(config: Pick<ZoneConfig, 'zone' | 'clients'>, given: ZoneClientsDeps) {
  const { env, aws, log, spent = { signatures: 0 }, ...deps } = given;
  const made = new Map<string, TokenClient>();
  return (name: string): TokenClient => {
    const remedy = `give the zone ${config.zone} a grant for the client ${name} in zones.ts`;
    const registration = entryOf(config.clients, name, 'config.json: clients', remedy);
    const remote = createRemoteSigner({ aws, functionArn: readArn(env, 'SIGNERS', name) });
    const sign: Signer['sign'] = async (...asked) => {
      const signatures = await remote.sign(...asked);
      spent.signatures += signatures.length;
      return signatures;
    };
    const report = countRequests(log, name);
    const client =
      made.get(name) ??
      createTokenClient({ ...registration, client: name, signer: { sign }, report, ...deps });
    made.set(name, client);
    return client;
  };
}

/** The issuer's own words (RFC 6749 5.2, 8707, 9449) that are a cause of their own; of others there may be any number. */
const REFUSALS = /^(?:invalid_(?:client|dpop_proof|grant|request|scope|target)|unauthorized_client)$/;

/** What happens where nothing is wrong: a login or a session is over or too old, somebody waits no longer. */
const ORDINARY = ['invalid_grant', 'login_too_old', 'request_aborted'];

/**
 * Counts the requests of one client: `Tokens`, and with it `RoundTrips` to the issuer, `InvalidClient` and `ClockDifference` (seconds);
 * `TokenFailures` of all kinds but the ordinary, and by `cause`: a code of ours, or the issuer's own.
 */
export function countRequests({ count }: Pick<Log, 'count'>, client: string) {
  return ({ endpoint, error, currentKeyRefused, clockDifference, roundTrips }: IssuerRequest): void => {
    const cause = error === undefined ? undefined : causeOf(error);
    const figures = {
      ...(cause === undefined && endpoint === 'token_endpoint' ? { Tokens: 1 } : {}),
      ...(cause === undefined || ORDINARY.includes(cause) ? {} : { TokenFailures: 1 }),
      ...(roundTrips > 0 ? { RoundTrips: roundTrips } : {}),
      ...(currentKeyRefused ? { InvalidClient: 1 } : {}),
      ...(clockDifference === undefined ? {} : { ClockDifference: clockDifference }),
    };
    if (Object.keys(figures).length > 0) count(figures, { client });
    if (cause !== undefined) count({ TokenFailures: 1 }, { client, cause });
  };
}

function causeOf(error: unknown): string {
  if (!isZonesError(error)) return 'unexpected';
  const said = error.code === 'token_refused' ? error.facts.error : '';
  return REFUSALS.test(said) ? said : error.code;
}
