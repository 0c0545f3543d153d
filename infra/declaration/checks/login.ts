import { matchesPath } from '@helseid-zones/protocol/check-grant';
import { type ForwardConfig, TARGET_PATH } from '@helseid-zones/protocol/config';
import { isCanonical } from '../fields.ts';
import { type Problem, problemsOf, repeated, undeclared } from '../problem.ts';
import type { GrantDeclaration, SystemDeclaration, ZoneDeclaration } from '../schema.ts';

/** User login has what its functions will ask the signer for. */
export function checkLogin(system: SystemDeclaration, field: string, zone: ZoneDeclaration): Problem[] {
  const login = zone.gateway?.login;
  if (!login) return [];
  const { client, scopes, forward, requestObject, idleMinutes, absoluteMinutes } = login;
  const grant = zone.grants.find((one) => one.client === client);
  const paths = forward.map(({ method, path }) => `${method} ${path.replace(/\{[^}]*\}/g, '{}')}`);
  return [
    ...problemsOf({
      [`${field}.client`]:
        undeclared(client, 'client', system.clients) ||
        (!grant &&
          `has no grant in this zone, so nothing would be signed for it; add { client: '${client}', apis: […] } to the zone's grants`),
      [`${field}.requestObject`]:
        requestObject &&
        !grant?.requestObjects &&
        "is true, but the zone's grant lacks requestObjects: true; set it there, or leave this out",
      [`${field}.idleMinutes`]:
        idleMinutes > absoluteMinutes &&
        `(${idleMinutes}) must not be longer than absoluteMinutes (${absoluteMinutes})`,
    }),
    ...repeated(scopes).map((at) => ({ field: `${field}.scopes[${at}]`, message: 'is named twice' })),
    ...forward.flatMap((one, index) => checkForward(`${field}.forward[${index}]`, one, client, grant)),
    ...repeated(paths).map((at) => ({
      field: `${field}.forward[${at}]`,
      message: 'forwards the same method and path a second time',
    })),
  ];
}

function checkForward(field: string, route: ForwardConfig, client: string, grant?: GrantDeclaration) {
  const { method, path, to = path, api } = route;
  const isPath =
    TARGET_PATH.test(to) &&
    isCanonical(`https://host.example${sample(to)}`) &&
    [...parameters(to)].every((name) => parameters(path).has(name));
  const granted = grant?.apis.find((one) => one.api === api);
  const isGranted =
    granted?.methods.includes(method) && granted.paths.some((one) => matchesPath(one, sample(to)));
  return problemsOf({
    [`${field}.to`]:
      !isPath &&
      'must be a path like /v1/summaries/{id}, without dot segments, with parameters that path has',
    [`${field}.api`]: !granted && `names ${api}, which the zone's grant of ${client} lacks; add it there`,
    [field]:
      granted &&
      !isGranted &&
      `forwards ${method} ${to}, for which the zone's grant makes no proof; widen the grant's methods and paths`,
  });
}

const parameters = (path: string): Set<string> =>
  new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name));

/** The path with a value for each parameter that no declared pattern would name. */
const sample = (path: string): string => path.replace(/\{\w+\}/g, 'any-value-0');
