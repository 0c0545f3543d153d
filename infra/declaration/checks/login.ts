import { matchesPath } from '@helseid-zones/protocol/check-grant';
import { isOrganizationNumber } from '@helseid-zones/protocol/details';
import { isCanonical, repeated, type Unless } from '../problem.ts';
import type { LoginDeclaration, SystemDeclaration, ZoneDeclaration } from '../types.ts';
import { ownEntry, unknown } from './grants.ts';
import { RESOURCE_PATH } from './resource-paths.ts';

/** Paths below an API's base URL: parameters are whole segments and never greedy. */
const TARGET_PATH = /^(?:\/(?:[A-Za-z0-9._~$-]+|\{[A-Za-z0-9_]+\}))+$/;

/** User login has what its functions will ask the signer for. Reports each problem through `unless`. */
export function checkLogin(
  unless: Unless,
  system: SystemDeclaration,
  field: string,
  zone: ZoneDeclaration,
  login: LoginDeclaration,
): void {
  const grant = zone.grants.find(({ client }) => client === login.client);
  unless(
    ownEntry(system.clients, login.client) !== undefined,
    `${field}.client`,
    unknown(login.client, 'client', system.clients),
  );
  unless(
    grant !== undefined || ownEntry(system.clients, login.client) === undefined,
    `${field}.client`,
    `has no grant in this zone, so nothing would be signed for it; add { client: '${login.client}', apis: […] } to the zone’s grants`,
  );
  unless(login.scopes.includes('openid'), `${field}.scopes`, 'must include openid, or there is no ID token');
  for (const index of repeated(login.scopes)) unless(false, `${field}.scopes[${index}]`, 'is named twice');
  unless(
    !login.requestObject || grant?.requestObjects === true,
    `${field}.requestObject`,
    'is true, but the zone’s grant lacks requestObjects: true; set it there, or leave this out',
  );
  const { idleMinutes = 30, absoluteMinutes = 480 } = login;
  unless(
    idleMinutes <= absoluteMinutes,
    `${field}.idleMinutes`,
    `(${idleMinutes}) must not be longer than absoluteMinutes (${absoluteMinutes})`,
  );
  unless(
    login.onBehalfOf === undefined || isOrganizationNumber(login.onBehalfOf),
    `${field}.onBehalfOf`,
    'must be an organisation number of nine digits with a right check digit',
  );
  checkForward(unless, field, login, grant);
}

function checkForward(
  unless: Unless,
  field: string,
  { client, forward }: LoginDeclaration,
  grant: ZoneDeclaration['grants'][number] | undefined,
): void {
  for (const [index, { method, path, to = path, api, headers = [] }] of forward.entries()) {
    const at = `${field}.forward[${index}]`;
    unless(
      TARGET_PATH.test(path) && RESOURCE_PATH.test(path),
      `${at}.path`,
      'must be a path like /summaries/{id}; parameters are whole segments',
    );
    unless(
      TARGET_PATH.test(to) &&
        isCanonical(`https://host.example${sample(to)}`) &&
        [...parameters(to)].every((name) => parameters(path).has(name)),
      `${at}.to`,
      'must be a path like /v1/summaries/{id}, without dot segments, with parameters that path has',
    );
    const granted = grant?.apis.find((candidate) => candidate.api === api);
    unless(
      granted !== undefined,
      `${at}.api`,
      `names ${api}, which the zone’s grant of ${client} lacks; add it there`,
    );
    if (!granted) continue;
    unless(
      granted.methods.includes(method) && granted.paths.some((pattern) => matchesPath(pattern, sample(to))),
      at,
      `forwards ${method} ${to}, for which the zone’s grant makes no proof; widen the grant’s methods and paths`,
    );
    for (const [nth, name] of headers.entries())
      unless(/^[a-z0-9-]+$/.test(name), `${at}.headers[${nth}]`, 'must be a header name in lower case');
  }
  for (const index of repeated(
    forward.map(({ method, path }) => `${method} ${path.replace(/\{[^}]*\}/g, '{}')}`),
  ))
    unless(false, `${field}.forward[${index}]`, 'forwards the same method and path a second time');
}

function parameters(path: string): Set<string> {
  return new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name));
}

/** The path with a value for each parameter that no declared pattern would name. */
function sample(path: string): string {
  return path.replace(/\{\w+\}/g, 'any-value-0');
}
