import { ALGORITHMS, isAlgorithm } from '@helseid-zones/protocol/algorithms';
import { baseUrlProblem, collect, hostProblem, isCanonical, type Problem, type Unless } from '../problem.ts';
import type { ClientDeclaration, SystemDeclaration } from '../types.ts';

const DAY = 24 * 60 * 60;

/** HelseID refuses assertions that live longer, seconds (SK2). */
const HELSEID_LIFETIME = 10;

/** Each client is a registration of its own, at an https issuer, with an algorithm that HelseID allows. */
export function checkClients(system: SystemDeclaration): Problem[] {
  return collect((unless) => {
    const clients = Object.entries(system.clients);
    unless(clients.length > 0, 'clients', 'must declare at least one client');
    for (const [name, client] of clients) checkClient(unless, `clients.${name}`, client);
    for (const [index, [name, { clientId, issuer }]] of clients.entries()) {
      const twin = clients
        .slice(0, index)
        .find(([, one]) => one.clientId === clientId && one.issuer === issuer);
      unless(
        twin === undefined,
        `clients.${name}.clientId`,
        `is the registration of clients.${twin?.[0]}; each client needs one of its own, or use that one`,
      );
    }
  });
}

function checkClient(unless: Unless, field: string, client: ClientDeclaration): void {
  unless(
    /^[\x21-\x7e]{1,200}$/.test(client.clientId),
    `${field}.clientId`,
    'must be printable ASCII without spaces',
  );
  checkIssuer(unless, `${field}.issuer`, client.issuer);
  unless(
    isAlgorithm(client.algorithm),
    `${field}.algorithm`,
    `is ${client.algorithm}; HelseID allows clients no RS algorithm: choose one of ${Object.keys(ALGORITHMS).join(', ')}`,
  );
  checkProfile(unless, `${field}.profile`, client);
  if (client.selfService) {
    const problem = baseUrlProblem(client.selfService.baseUrl);
    unless(problem === undefined, `${field}.selfService.baseUrl`, problem ?? '');
  }
  checkRotation(unless, `${field}.rotation`, client);
}

function checkIssuer(unless: Unless, field: string, issuer: string): void {
  unless(
    !issuer.startsWith('http://'),
    field,
    'is http; an issuer is an https URL (RFC 8414 2): write https://…',
  );
  if (issuer.startsWith('http://')) return;
  // As the signer will read it, an origin without its slash too.
  const plain = !/[?#]/.test(issuer) && (isCanonical(issuer) || isCanonical(`${issuer}/`));
  unless(
    plain,
    field,
    'must be an https URL in canonical form, without query, fragment and user information, as in the metadata',
  );
  const problem = plain ? hostProblem(new URL(issuer).hostname) : undefined;
  unless(problem === undefined, field, problem ?? '');
  unless(
    !(plain && isHelseId(issuer) && issuer.endsWith('/')),
    field,
    `ends in a slash, and HelseID’s issuer has none; the audience would be wrong: write ${issuer.replace(/\/+$/, '')}`,
  );
}

/** HelseID's servers, the conformance ones too, lie under nhn.no. */
function isHelseId(issuer: string): boolean {
  return URL.canParse(issuer) && /(^|\.)nhn\.no$/.test(new URL(issuer).hostname);
}

/** A media type's subtype (RFC 6838 4.2), with or without `application/` (RFC 7515 4.1.9). */
const TYP = /^(?:application\/)?[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i;

function checkProfile(unless: Unless, field: string, { profile, issuer }: ClientDeclaration): void {
  for (const name of ['assertionTyp', 'requestObjectTyp'] as const)
    unless(
      TYP.test(profile[name]),
      `${field}.${name}`,
      'must be a media type below application/ without parameters, like client-authentication+jwt',
    );
  // As whoever verifies reads them: any case, with or without application/ (RFC 7515 4.1.9).
  const typs = [profile.assertionTyp, profile.requestObjectTyp, 'dpop+jwt'].map((typ) =>
    typ.toLowerCase().replace(/^application\//, ''),
  );
  unless(
    new Set(typs).size === typs.length,
    field,
    'gives two kinds of token one typ, so one could pass as the other: assertionTyp, requestObjectTyp and dpop+jwt must differ',
  );
  const most = isHelseId(issuer) ? HELSEID_LIFETIME : 60;
  unless(
    profile.assertionLifetime <= most,
    `${field}.assertionLifetime`,
    `must be at most ${most} seconds${most === HELSEID_LIFETIME ? ' for HelseID' : ''}`,
  );
  unless(profile.assertionBackdate <= 60, `${field}.assertionBackdate`, 'must be at most 60 seconds');
  for (const name of ['idTokenAlgorithm', 'accessTokenAlgorithm'] as const)
    unless(
      profile[name] === 'RS256' || isAlgorithm(profile[name]),
      `${field}.${name}`,
      `must be RS256 (HelseID) or one of ${Object.keys(ALGORITHMS).join(', ')}`,
    );
}

function checkRotation(unless: Unless, field: string, { rotation }: ClientDeclaration): void {
  if (!rotation) return;
  const { everyDays, longestTokenLifetime } = rotation;
  unless(everyDays <= 365, `${field}.everyDays`, 'must be at most 365 days');
  unless(
    longestTokenLifetime >= 60 && longestTokenLifetime < everyDays * DAY,
    `${field}.longestTokenLifetime`,
    'must be at least 60 seconds and shorter than the time between rotations: give the longest life of the client’s access tokens, in seconds',
  );
}
