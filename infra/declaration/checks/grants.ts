import { isOrganizationNumber, isUuid } from '@helseid-zones/protocol/details';
import type { AllowedDetail } from '@helseid-zones/protocol/grant';
import { ownEntry, type Problem, problemsOf, repeated, undeclared } from '../problem.ts';
import type { ApiGrant, ClientDeclaration, GrantDeclaration, SystemDeclaration } from '../schema.ts';

/** Grants name what is declared, each once, and nothing beyond it. */
export function checkGrants(system: SystemDeclaration): Problem[] {
  return Object.entries(system.zones).flatMap(([name, { grants, admin }]) => {
    const field = `zones.${name}.grants`;
    const ofAdmin =
      admin && grants.length > 0 && "must be empty: the admin zone's grants are derived, one a client";
    return [
      ...problemsOf({ [field]: ofAdmin }),
      ...grants.flatMap((grant, index) => checkGrant(system, `${field}[${index}]`, grant)),
      ...repeated(grants.map(({ client }) => client)).map((index) => ({
        field: `${field}[${index}].client`,
        message: 'has a grant in this zone already; put both into one',
      })),
    ];
  });
}

function checkGrant(system: SystemDeclaration, field: string, grant: GrantDeclaration): Problem[] {
  const { client: name, details, apis } = grant;
  const client = ownEntry(system.clients, name);
  return [
    ...problemsOf({ [`${field}.client`]: undeclared(name, 'client', system.clients) }),
    ...(client ? checkDetails(`${field}.details`, details, client) : []),
    ...repeated(apis.map(({ api }) => api)).map((index) => ({
      field: `${field}.apis[${index}].api`,
      message: 'is granted twice to this client; put both into one',
    })),
    ...apis.flatMap((api, index) => checkApi(system, `${field}.apis[${index}]`, api)),
  ];
}

/** Where an issuer's endpoints are is in its metadata, and they take POST: no proof for one there may name a token (RFC 9449 4.2). */
function checkApi({ apis, clients }: SystemDeclaration, field: string, { api, methods }: ApiGrant) {
  const declared = ownEntry(apis, api);
  const origin = declared && new URL(declared.baseUrl).origin;
  const near = Object.entries(clients).find(([, { issuer }]) => new URL(issuer).origin === origin)?.[0];
  return problemsOf({
    [`${field}.api`]: undeclared(api, 'API', apis),
    [`${field}.methods`]:
      near &&
      methods.includes('POST') &&
      `has POST at the origin of clients.${near}.issuer, whose own endpoints take POST: proofs with ath would be made for those too. Give the API a host of its own, or leave POST out`,
  });
}

function checkDetails(field: string, details: GrantDeclaration['details'], client: ClientDeclaration) {
  const {
    profile: { detailTypes },
    tenancy,
  } = client;
  if (details === 'none') return [];
  const listed = details === 'any' ? [] : details;
  return [
    ...problemsOf({
      [field]: [
        detailTypes.length === 0 && "must be none: the client's issuer knows no organisation details",
        details.length === 0 && 'is an empty list; write none, or list what is allowed',
      ],
    }),
    ...listed.flatMap((detail, index) => [
      ...problemsOf({
        [`${field}[${index}].type`]:
          detailTypes.length > 0 &&
          !detailTypes.includes(detail.type) &&
          `must be one of the profile's detailTypes: ${detailTypes.join(', ')}`,
      }),
      ...checkDetail(`${field}[${index}]`, detail, tenancy === 'single-tenant'),
    ]),
  ];
}

function checkDetail(field: string, detail: AllowedDetail, isSingle: boolean): Problem[] {
  if (detail.type === 'nhn:sfm:journal-id')
    return problemsOf({
      [`${field}.type`]: isSingle && 'is for multi-tenant clients, and this one is single-tenant',
      [`${field}.journalId`]: detail.journalId !== '*' && !isUuid(detail.journalId) && 'must be a UUID or *',
    });
  if (detail.type !== 'helseid_authorization') return [];
  const { parent, child } = detail;
  const notNumber = (value = '*') =>
    value !== '*' &&
    !isOrganizationNumber(value) &&
    'must be an organisation number of nine digits with a right check digit, or *';
  return problemsOf({
    [`${field}.parent`]: [
      notNumber(parent),
      isSingle && parent && "can't be set: a single-tenant client's parent is registered at HelseID",
      !isSingle && !parent && 'must be set: a multi-tenant client names the parent each time',
    ],
    [`${field}.child`]: [
      notNumber(child),
      isSingle && !child && 'must be set: a single-tenant client sends a child or no details',
    ],
  });
}
