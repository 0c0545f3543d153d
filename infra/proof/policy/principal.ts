import { isObject, type JsonObject, listOf, stringsOf } from '../assembly/json.ts';
import { hasUnknown } from '../assembly/unknown.ts';
import { ALWAYS, any, type Condition, NEVER, unknown } from './condition.ts';
import { globOf, matchGlob } from './pattern.ts';

/** Who makes a request. */
export type Principal =
  /** A session of a role. `session` is its name, for messages; undefined in a question about any session. `arn` is the role's, with its path. */
  | { kind: 'role'; arn: string; account: string; session: string | undefined }
  | { kind: 'user'; arn: string; account: string }
  /** The root user of an account. */
  | { kind: 'root'; account: string }
  /** An AWS service, e.g. `events.amazonaws.com`, acting as itself. */
  | { kind: 'service'; service: string }
  | { kind: 'anonymous' };

/** Any session of the role `arn`, or the one named `session`. */
export function rolePrincipal(arn: string, session?: string): Principal {
  return { kind: 'role', arn, account: arn.split(':')[4] ?? '', session };
}

/**
 * The principal that `arn` names: a role session (`arn:aws:sts::…:assumed-role/name/session`), role, user or
 * root; a service's name. A session's role is taken to have the path `/` unless `roleArn` says otherwise.
 */
export function principalOf(arn: string, roleArn?: string): Principal {
  const session = /^arn:([^:]+):sts::(\d{12}):assumed-role\/([^/]+)\/(.+)$/.exec(arn);
  if (session)
    return rolePrincipal(roleArn ?? `arn:${session[1]}:iam::${session[2]}:role/${session[3]}`, session[4]);
  const account = arn.split(':')[4] ?? '';
  if (arn.includes(':role/')) return rolePrincipal(arn);
  if (arn.includes(':user/')) return { kind: 'user', arn, account };
  return arn.endsWith(':root') ? { kind: 'root', account } : { kind: 'service', service: arn };
}

/** The ARN that AWS's messages name for `principal`; a session without a name shows as `*`. */
export function principalArn(principal: Principal): string {
  switch (principal.kind) {
    case 'role': {
      const [, partition] = principal.arn.split(':');
      return `arn:${partition}:sts::${principal.account}:assumed-role/${roleName(principal.arn)}/${principal.session ?? '*'}`;
    }
    case 'user':
      return principal.arn;
    case 'root':
      return `arn:aws:iam::${principal.account}:root`;
    case 'service':
      return principal.service;
    case 'anonymous':
      return 'anonymous';
  }
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
  if (
    element === undefined ||
    !Object.values(element).every((list) => listOf(list).length === stringsOf(list).length)
  )
    return undefined;
  const aws = stringsOf(element.AWS);
  const others = Object.entries(element).filter(([kind]) => kind !== 'AWS' && kind !== 'Service');
  return {
    everybody: aws.includes('*'),
    aws: aws.filter((arn) => arn !== '*'),
    services: stringsOf(element.Service),
    others: others.flatMap(([, list]) => stringsOf(list)),
  };
}

/** How `element` takes in `principal`. */
export function gradePrincipal(element: PrincipalElement, principal: Principal): Grades {
  if (element.everybody) return { direct: ALWAYS, role: ALWAYS, account: ALWAYS };
  if (principal.kind === 'service') {
    const named = element.services.includes(principal.service) ? ALWAYS : NEVER;
    return {
      direct: element.services.some(hasUnknown) ? any([named, unknown('a service principal')]) : named,
      role: NEVER,
      account: NEVER,
    };
  }
  if (principal.kind === 'anonymous') return NOBODY;
  const grades = element.aws.map((arn) => gradeOne(arn, principal));
  const federated = element.others.length > 0 ? unknown(`principal ${element.others.join(', ')}`) : NEVER;
  return {
    direct: any([...grades.map(({ direct }) => direct), federated]),
    role: any(grades.map(({ role }) => role)),
    account: any(grades.map(({ account }) => account)),
  };
}

const NOBODY: Grades = { direct: NEVER, role: NEVER, account: NEVER };

function gradeOne(arn: string, principal: Extract<Principal, { account: string }>): Grades {
  const truth = (text: string) => {
    const matches = matchGlob(arn, text);
    return matches === undefined ? unknown(`principal ${arn}`) : matches ? ALWAYS : NEVER;
  };
  const partition = arn.split(':')[1] ?? 'aws';
  if (/^\d{12}$/.test(arn)) return { ...NOBODY, account: arn === principal.account ? ALWAYS : NEVER };
  const root = truth(`arn:${partition}:iam::${principal.account}:root`);
  if (root !== NEVER) return { ...NOBODY, account: root, direct: principal.kind === 'root' ? root : NEVER };
  // AWS refuses wildcards within a principal; a template that has one does not deploy, so nothing follows from it.
  if (arn.includes('*')) return globMatches(arn, principal) ? allGrades(unknown(`principal ${arn}`)) : NOBODY;
  if (principal.kind === 'user') return { ...NOBODY, direct: truth(principal.arn) };
  if (principal.kind === 'root') return NOBODY;
  const prefix = `arn:${partition}:sts::${principal.account}:assumed-role/${roleName(principal.arn)}/`;
  // Which session asks no template says, and no policy of ours names one.
  if (arn.startsWith(prefix)) return { ...NOBODY, direct: unknown(`principal ${arn}`) };
  return { ...NOBODY, role: truth(principal.arn) };
}

function allGrades(condition: Condition): Grades {
  return { direct: condition, role: condition, account: condition };
}

function globMatches(arn: string, principal: Principal): boolean {
  const names = [principalArn(principal), 'arn' in principal ? principal.arn : ''];
  return names.some((name) => matchGlob(globOf(arn), name) !== false);
}

/** Whether `element` takes in `principal`, in whatever way. */
export function takesPrincipal(element: PrincipalElement, principal: Principal): Condition {
  const { direct, role, account } = gradePrincipal(element, principal);
  return any([direct, role, account]);
}
