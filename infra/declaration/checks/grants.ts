import { isOrganizationNumber, isUuid } from '@helseid-zones/protocol/details';
import type { AllowedDetail } from '@helseid-zones/protocol/grant';
import { isCanonical } from '../fields.ts';
import { collect, ownEntry, type Problem, repeated, type Unless, undeclared } from '../problem.ts';
import type { ApiGrant, ClientDeclaration, GrantDeclaration, SystemDeclaration } from '../schema.ts';

/** Grants name what is declared, each once, and nothing beyond it. */
export function checkGrants(system: SystemDeclaration): Problem[] {
  return collect((unless) => {
    for (const [name, { grants, admin }] of Object.entries(system.zones)) {
      const field = `zones.${name}.grants`;
      unless(
        !admin || grants.length === 0,
        field,
        "must be empty: the admin zone's grants are derived, one a client",
      );
      for (const [index, grant] of grants.entries()) checkGrant(unless, system, `${field}[${index}]`, grant);
      for (const index of repeated(grants.map(({ client }) => client)))
        unless(false, `${field}[${index}].client`, 'has a grant in this zone already; put both into one');
    }
  });
}

function checkGrant(unless: Unless, system: SystemDeclaration, field: string, grant: GrantDeclaration): void {
  const client = ownEntry(system.clients, grant.client);
  unless(client !== undefined, `${field}.client`, undeclared(grant.client, 'client', system.clients));
  if (client) checkDetails(unless, `${field}.details`, grant.details, client);
  for (const index of repeated(grant.apis.map(({ api }) => api)))
    unless(false, `${field}.apis[${index}].api`, 'is granted twice to this client; put both into one');
  for (const [index, api] of grant.apis.entries()) {
    checkApi(unless, system, `${field}.apis[${index}]`, api);
    checkMethods(unless, system, `${field}.apis[${index}].methods`, api);
  }
}

/** Where an issuer's endpoints are is in its metadata, and they take POST: no proof for one there may name a token (RFC 9449 4.2). */
function checkMethods(
  unless: Unless,
  system: SystemDeclaration,
  field: string,
  { api, methods }: ApiGrant,
): void {
  const origin = URL.parse(ownEntry(system.apis, api)?.baseUrl ?? '')?.origin;
  const issuer = Object.entries(system.clients).find(
    ([, { issuer }]) => URL.parse(issuer)?.origin === origin,
  );
  unless(
    origin === undefined || issuer === undefined || !methods.includes('POST'),
    field,
    `has POST at the origin of clients.${issuer?.[0]}.issuer, whose own endpoints take POST: proofs with ath would be made for those too. Give the API a host of its own, or leave POST out`,
  );
}

function checkApi(unless: Unless, system: SystemDeclaration, field: string, { api, paths }: ApiGrant): void {
  const declared = ownEntry(system.apis, api);
  unless(declared !== undefined, `${field}.api`, undeclared(api, 'API', system.apis));
  for (const [index, path] of paths.entries()) {
    const at = `${field}.paths[${index}]`;
    // A path is appended to a base URL without a trailing slash: whatever begins otherwise would change the host.
    const onHost = /^\/(?!\/)/.test(path);
    unless(
      onHost,
      at,
      `covers another host or path than the API's: begin with one slash, ${declared ? `below ${declared.baseUrl}` : 'below its base URL'}`,
    );
    if (!onHost) continue;
    unless(
      !/[{}]/.test(path),
      at,
      `has a parameter, and grants know none: write ${path.replace(/\/[^/]*[{}].*$/, '/*')}, which covers everything below`,
    );
    if (/[{}]/.test(path)) continue;
    const literal = path.replace(/\/\*$/, '/');
    unless(
      !literal.includes('*'),
      at,
      'has a star in another place than a last /*, which covers everything below',
    );
    unless(
      literal.includes('*') || (!/[?#]/.test(path) && isCanonical(`https://host.example${literal}`)),
      at,
      'is not a canonical path: no query, dot segments, double slashes or needless percent-encodings',
    );
  }
}

function checkDetails(
  unless: Unless,
  field: string,
  details: GrantDeclaration['details'],
  client: ClientDeclaration,
): void {
  if (details === 'none') return;
  unless(
    client.profile.detailTypes.length > 0,
    field,
    "must be none: the client's issuer knows no organisation details",
  );
  if (details === 'any') return;
  unless(details.length > 0, field, 'is an empty list; write none, or list what is allowed');
  for (const [index, detail] of details.entries()) {
    const at = `${field}[${index}]`;
    unless(
      client.profile.detailTypes.includes(detail.type) || client.profile.detailTypes.length === 0,
      `${at}.type`,
      `must be one of the profile's detailTypes: ${client.profile.detailTypes.join(', ')}`,
    );
    checkDetail(unless, at, detail, client.tenancy);
  }
}

function checkDetail(
  unless: Unless,
  at: string,
  detail: AllowedDetail,
  tenancy: ClientDeclaration['tenancy'],
): void {
  if (detail.type === 'nhn:sfm:journal-id') {
    unless(
      tenancy === 'multi-tenant',
      `${at}.type`,
      'is for multi-tenant clients, and this one is single-tenant',
    );
    unless(detail.journalId === '*' || isUuid(detail.journalId), `${at}.journalId`, 'must be a UUID or *');
  }
  if (detail.type !== 'helseid_authorization') return;
  for (const member of ['parent', 'child'] as const) {
    const value = detail[member];
    unless(
      value === undefined || value === '*' || isOrganizationNumber(value),
      `${at}.${member}`,
      'must be an organisation number of nine digits with a right check digit, or *',
    );
  }
  if (tenancy === 'single-tenant') {
    unless(
      detail.parent === undefined,
      `${at}.parent`,
      "can't be set: a single-tenant client's parent is registered at HelseID",
    );
    unless(
      detail.child !== undefined,
      `${at}.child`,
      'must be set: a single-tenant client sends a child or no details',
    );
  } else {
    unless(
      detail.parent !== undefined,
      `${at}.parent`,
      'must be set: a multi-tenant client names the parent each time',
    );
  }
}
