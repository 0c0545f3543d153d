import { matchesPath } from '@helseid-zones/protocol/check-grant';
import { TARGET_PATH } from '@helseid-zones/protocol/config';
import { isCanonical } from '../fields.ts';
import { ownEntry, repeated, type Unless, undeclared } from '../problem.ts';
import type { LoginDeclaration, SystemDeclaration, ZoneDeclaration } from '../schema.ts';

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
    undeclared(login.client, 'client', system.clients),
  );
  unless(
    grant !== undefined || ownEntry(system.clients, login.client) === undefined,
    `${field}.client`,
    `has no grant in this zone, so nothing would be signed for it; add { client: '${login.client}', apis: […] } to the zone's grants`,
  );
  for (const index of repeated(login.scopes)) unless(false, `${field}.scopes[${index}]`, 'is named twice');
  unless(
    !login.requestObject || grant?.requestObjects === true,
    `${field}.requestObject`,
    "is true, but the zone's grant lacks requestObjects: true; set it there, or leave this out",
  );
  const { idleMinutes, absoluteMinutes } = login;
  unless(
    idleMinutes <= absoluteMinutes,
    `${field}.idleMinutes`,
    `(${idleMinutes}) must not be longer than absoluteMinutes (${absoluteMinutes})`,
  );
  checkForward(unless, field, login, grant);
}

function checkForward(
  unless: Unless,
  field: string,
  { client, forward }: LoginDeclaration,
  grant: ZoneDeclaration['grants'][number] | undefined,
): void {
  for (const [index, { method, path, to = path, api }] of forward.entries()) {
    const at = `${field}.forward[${index}]`;
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
      `names ${api}, which the zone's grant of ${client} lacks; add it there`,
    );
    if (!granted) continue;
    unless(
      granted.methods.includes(method) && granted.paths.some((pattern) => matchesPath(pattern, sample(to))),
      at,
      `forwards ${method} ${to}, for which the zone's grant makes no proof; widen the grant's methods and paths`,
    );
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
