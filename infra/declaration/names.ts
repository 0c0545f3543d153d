import { ADMIN_FUNCTIONS, AUTHORIZER_FUNCTION, LOGIN_FUNCTIONS, TOKENS_FUNCTION } from './fields.ts';
import type { SystemDeclaration, ZoneDeclaration } from './schema.ts';

/** The tag that says which zone a resource belongs to, on what anchors a zone: {@link ZONE_TAGGED}. */
export const ZONE_TAG = 'helseid-zones:zone';

/** The types of resources that a zone is known by. */
export const ZONE_TAGGED = [
  'AWS::DynamoDB::Table',
  'AWS::EC2::VPC',
  'AWS::IAM::Role',
  'AWS::KMS::Key',
  'AWS::Lambda::Function',
];

/** The value of {@link ZONE_TAG} in the signing zone. */
export const SIGNING_ZONE = 'signing';

/** Name of the signer function of one grant; its role has the same name. */
export const signerName = (system: string, client: string, zone: string): string =>
  `${system}-signer-${client}-${zone}`;

/** Name of a zone function; its role has the same name. */
export const functionName = (system: string, zone: string, name: string) => `${system}-${zone}-${name}`;

/** See {@link eventNames}. */
export type EventNames = ReturnType<typeof eventNames>;

/**
 * Physical names of a zone's event entry; fixed, since key, queue and role each name the others. Its queues: `zoneQueues`. The queue
 * `undelivered` is of what EventBridge could not put into one of them.
 */
export function eventNames(system: string, zone: string) {
  const bus = `${system}-${zone}`;
  return { bus, undelivered: `${bus}-events-undelivered` };
}

/** Name of a queue that functions of a zone send to. */
export const zoneQueueName = (system: string, zone: string, queue: string) => `${system}-${zone}-${queue}`;

/** Name of a secret that a function reads. */
export const ownSecretName = (system: string, zone: string, owner: string, secret: string): string =>
  `${system}/${zone}/${owner}/${secret}`;

/** Name of the rule that starts a function on a schedule. */
export const scheduleName = (system: string, zone: string, owner: string, schedule: string): string =>
  `${system}-${zone}-${owner}-${schedule}`;

/** Name of the secret that holds a client's record. */
export const recordName = (system: string, client: string): string => `${system}/client/${client}`;

/** Name of the permissions boundary of a zone's roles (`signing` names that of the signers), or of a group of them: {@link boundaryGroup}. */
export const boundaryName = (system: string, zone: string, group?: string): string =>
  `${system}-boundary-${zone}${group ? `-${group}` : ''}`;

/**
 * The group of functions that has a boundary of its own; undefined for those that have the zone's. In the admin zone it is each function
 * alone: together they would outgrow what IAM takes (6,144 characters). Where a function has the tokens, it is those that ask signers:
 * so the zone's boundary too keeps the others from it.
 */
export function boundaryGroup(zone: ZoneDeclaration, name: string): string | undefined {
  if (zone.admin) return name;
  return zone.tokens === 'function' && askingFunctions(zone).includes(name) ? TOKENS_FUNCTION : undefined;
}

/** Name of a zone's stack. */
export const zoneStackName = (system: string, zone: string): string => `${system}-zone-${zone}`;

/** Names of the stacks that no zone owns. */
export function sharedStackNames(system: string): { signing: string; gateway: string } {
  return { signing: `${system}-signing`, gateway: `${system}-gateway-account` };
}

/** The functions a zone runs: those of its entries, of login, of the authorizer, of administration, and with things of their own. Sorted, each once. */
export function zoneFunctions(zone: ZoneDeclaration): string[] {
  const routes = zone.gateway?.routes ?? [];
  const names = new Set<string>(routes.map((route) => route.function));
  if (routes.some((route) => route.authorize === 'helseid')) names.add(AUTHORIZER_FUNCTION);
  if (zone.gateway?.login) for (const name of LOGIN_FUNCTIONS) names.add(name);
  if (zone.events) names.add(zone.events.function);
  if (zone.admin) for (const name of ADMIN_FUNCTIONS) names.add(name);
  if (zone.tokens === 'function') names.add(TOKENS_FUNCTION);
  for (const name of Object.keys(zone.functions)) names.add(name);
  return [...names].sort();
}

/** Whom functions of a zone ask when they need tokens: its signers, by whose signatures they fetch them, or its tokens function, which has them. */
export type CallTarget = 'signers' | 'tokens';

/**
 * The functions of a zone that ask its signers: all but the authorizer, which only validates. With a tokens function that one alone,
 * and those of login, which need more than tokens; the others ask it. None where the zone has no signer. Sorted.
 */
export function askingFunctions(zone: ZoneDeclaration, asked: CallTarget = 'signers'): string[] {
  if (!zone.admin && zone.grants.length === 0) return [];
  const signs = (name: string) =>
    zone.tokens === 'own' || [TOKENS_FUNCTION, ...LOGIN_FUNCTIONS].some((own) => own === name);
  return zoneFunctions(zone).filter(
    (name) => name !== AUTHORIZER_FUNCTION && signs(name) === (asked === 'signers'),
  );
}

/** ARNs of the roles that may ask a zone's signers, or its tokens function, of that account: those of its functions, and of declared callers. */
export function askingRoles(
  system: string,
  zone: string,
  declared: ZoneDeclaration,
  account: string,
  asked: CallTarget = 'signers',
): string[] {
  return [
    ...askingFunctions(declared, asked).map(
      (name) => `arn:aws:iam::${account}:role/${functionName(system, zone, name)}`,
    ),
    ...declared.callers.filter(({ calls }) => calls === asked).map(({ role }) => role),
  ];
}

/** Whether a route with `authorize: 'webhook'` leads to a function, whose code then comes behind the guard. */
export const takesWebhooks = ({ gateway }: ZoneDeclaration, name: string): boolean =>
  gateway?.routes.some((route) => route.function === name && route.authorize === 'webhook') ?? false;

/** The clients a zone has signers for: those of its grants, or every client in the admin zone. In the declaration's order. */
export const zoneClients = (system: SystemDeclaration, zone: ZoneDeclaration): string[] =>
  zone.admin ? Object.keys(system.clients) : zone.grants.map((grant) => grant.client);
