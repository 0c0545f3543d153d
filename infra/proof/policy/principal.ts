import { isObject, type JsonObject, listOf, stringsOf } from '../assembly/json.ts';
import { hasUnknown, unknownValue } from '../assembly/unknown.ts';
import { ALWAYS, any, type Condition, constantOf, NEVER, unknown } from './condition.ts';
import { compileConditions } from './operators.ts';
import { globOf, matchGlob } from './pattern.ts';

/** Who makes a request. */
export type Principal =
  /** A session of a role. `session` is its name, for messages; undefined in a question about any session. `arn` is the role's, with its path. */
  | { kind: 'role'; arn: string; account: string; session: string | undefined }
  | { kind: 'user'; arn: string; account: string }
  /** The root user of an account. */
  | { kind: 'root'; account: string }
  /** An AWS service, e.g. `events.amazonaws.com`, acting as itself; any, where that is an `unknownValue`. */
  | { kind: 'service'; service: string }
  | { kind: 'anonymous' };

/** Any session of the role `arn`, or the one named `session`. */
export function rolePrincipal(arn: string, session?: string): Principal {
  return { kind: 'role', arn, account: arn.split(':')[4] ?? '', session };
}

/**
 * The principal that `arn` names: a role session (`arn:aws:sts::…:assumed-role/name/session`), role, user or
 * root; a service's name. A session's role is taken to have the path `/`.
 */
export function principalOf(arn: string): Principal {
  const session = /^arn:([^:]+):sts::(\d{12}):assumed-role\/([^/]+)\/(.+)$/.exec(arn);
  if (session) return rolePrincipal(`arn:${session[1]}:iam::${session[2]}:role/${session[3]}`, session[4]);
  const account = arn.split(':')[4] ?? '';
  if (arn.includes(':role/')) return rolePrincipal(arn);
  if (arn.includes(':user/')) return { kind: 'user', arn, account };
  return arn.endsWith(':root') ? { kind: 'root', account } : { kind: 'service', service: arn };
}

/** The ARN that AWS's messages name for `principal`; a session without a name shows as `*`. */
export function principalArn(principal: Principal): string {
  if (principal.kind === 'root') return `arn:aws:iam::${principal.account}:root`;
  if (principal.kind === 'user') return principal.arn;
  if (principal.kind !== 'role') return 'service' in principal ? principal.service : principal.kind;
  const { arn, account, session = '*' } = principal;
  return `arn:${arn.split(':')[1]}:sts::${account}:assumed-role/${roleName(arn)}/${session}`;
}

/** The name at the end of a role's ARN. */
export function roleName(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}

/**
 * How a Principal element takes in a principal. AWS treats the three differently: `direct` (the session, user
 * or service itself, or everybody) is not limited by what identity policies and boundaries leave out; `role`
 * (the session's role) is limited by boundary and session policy; `account` delegates to identity policies.
 */
export interface Grades {
  direct: Condition;
  role: Condition;
  account: Condition;
}

/** The parts of a Principal element. */
export interface PrincipalElement {
  everybody: boolean;
  aws: readonly string[];
  services: readonly string[];
  /** Kinds this engine does not follow: federated identities, canonical users. */
  others: readonly string[];
}

/** Parses the value of a Principal element; undefined when it is none. */
export function parsePrincipals(value: unknown): PrincipalElement | undefined {
  const element: JsonObject | undefined = value === '*' ? { AWS: '*' } : isObject(value) ? value : undefined;
  const isOfTexts = (list: unknown) => listOf(list).length === stringsOf(list).length;
  if (element === undefined || !Object.values(element).every(isOfTexts)) return undefined;
  const { AWS, Service, ...others } = element;
  const aws = stringsOf(AWS);
  const services = stringsOf(Service);
  return {
    everybody: [...aws, ...services].includes('*'),
    aws: aws.filter((arn) => arn !== '*'),
    services,
    others: Object.values(others).flatMap(stringsOf),
  };
}

/** How `element` takes in `principal`. */
export function gradePrincipal(element: PrincipalElement, principal: Principal): Grades {
  if (element.everybody) return allGrades(ALWAYS);
  // What only the deploy names may be everybody.
  const perhaps = any(element.aws.filter((arn) => matchGlob(arn, '*') !== false).map(unknownPrincipal));
  if (principal.kind === 'service') {
    const named = element.services.map((service) =>
      hasUnknown(principal.service) ? isService(service) : truthOf(service, principal.service),
    );
    return { ...NOBODY, direct: any([...named, perhaps]) };
  }
  if (principal.kind === 'anonymous') return { ...NOBODY, direct: perhaps };
  const grades = element.aws.map((arn) => gradeOne(arn, principal));
  const federated = element.others.length > 0 ? unknown(`principal ${element.others.join(', ')}`) : NEVER;
  return {
    direct: any([...grades.map(({ direct }) => direct), federated]),
    role: any(grades.map(({ role }) => role)),
    account: any(grades.map(({ account }) => account)),
  };
}

const unknownPrincipal = (text: string): Condition => unknown(`principal ${text}`);

/** That the service that asks is one of these. */
export function isService(services: string | readonly string[]): Condition {
  return compileConditions({ StringLike: { 'aws:PrincipalServiceName': services } }, false);
}

/** Whether what an element names is `text`. */
function truthOf(named: string, text: string): Condition {
  return constantOf(matchGlob(named, text)) ?? unknownPrincipal(named);
}

function gradeOne(arn: string, principal: Extract<Principal, { account: string }>): Grades {
  if (/^\d{12}$/.test(arn)) return { ...NOBODY, account: arn === principal.account ? ALWAYS : NEVER };
  // AWS refuses wildcards within a principal; a template that has one does not deploy, so nothing follows from it.
  if (arn.includes('*')) return globMatches(arn, principal) ? allGrades(unknownPrincipal(arn)) : NOBODY;
  const account = truthOf(arn, `arn:aws:iam::${principal.account}:root`);
  if (principal.kind === 'root') return { ...NOBODY, account, direct: account };
  const session = unknownValue('session');
  const prefix = `arn:aws:sts::${principal.account}:assumed-role/${roleName(principal.arn)}/`;
  // Which session asks no template says, and no policy of ours names one.
  const direct = matchGlob(arn, `${prefix}${session}`) === false ? NEVER : unknownPrincipal(arn);
  return { direct, role: truthOf(arn, principal.arn), account };
}

function allGrades(condition: Condition): Grades {
  return { direct: condition, role: condition, account: condition };
}

const NOBODY = allGrades(NEVER);

function globMatches(arn: string, principal: Principal): boolean {
  const names = [principalArn(principal), 'arn' in principal ? principal.arn : ''];
  return names.some((name) => matchGlob(globOf(arn), name) !== false);
}

/** Whether `element` takes in `principal`, in whatever way. */
export function takesPrincipal(element: PrincipalElement, principal: Principal): Condition {
  const { direct, role, account } = gradePrincipal(element, principal);
  return any([direct, role, account]);
}
