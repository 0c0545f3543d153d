import type { JsonObject } from '../assembly/json.ts';
import { isObject, listOf, objectOf, parseJson, stringOf, stringsOf } from '../assembly/json.ts';
import { memory } from '../assembly/remembered.ts';
import { hasUnknown } from '../assembly/unknown.ts';
import type { Condition } from './condition.ts';
import { ALWAYS, all, any, constantOf, isResource, NEVER, not, unknown } from './condition.ts';
import { compileConditions } from './operators.ts';
import { arnParts, covers, globOf, globsOverlap, matchArn, matchGlob, parsePattern } from './pattern.ts';
import { type PrincipalElement, parsePrincipals } from './principal.ts';
import * as ternary from './ternary.ts';

/** A statement, ready to be asked. */
export interface Statement {
  /** The Sid, or the statement's number in its policy (from 1). */
  name: string;
  effect: 'Allow' | 'Deny';
  /** Whether it is about `action`, in lower case. */
  isAbout(action: string): ternary.Truth;
  /** Whether it is about `resource`: an ARN, `*` for an action without one, or a pattern of ARNs. */
  covers(resource: string): Condition;
  /** Absent in identity policies. */
  principals: PrincipalElement | undefined;
  condition: Condition;
}

/** A policy document, ready to be asked. */
export interface Policy {
  /** For messages: `journal-worker/inline`, an ARN. */
  name: string;
  statements: readonly Statement[];
}

/**
 * Parses a policy document (an object, or its JSON text). Whatever can't be read (an unresolved intrinsic, a
 * missing element) becomes a statement that perhaps allows and perhaps denies everything, so that the proof
 * counts it as possible and the local system refuses. Where it is not `certain`, the policy itself may not exist.
 */
export function parsePolicy(name: string, document: unknown, certain = true): Policy {
  const parsed = typeof document === 'string' ? parseJson(document) : document;
  const statements = isObject(parsed)
    ? listOf(parsed.Statement).flatMap((statement, index) =>
        parseStatement(statement, index, parsed.Version === '2012-10-17', name),
      )
    : unreadable(`policy ${name}`);
  const perhaps = certain
    ? statements
    : statements.map((statement) => withCondition(statement, unknown(`whether policy ${name} exists`)));
  return { name, statements: perhaps };
}

/** The statements of `policy` that are or may be about `action` (any case). */
export function statementsAbout(policy: Policy, action: string): readonly Statement[] {
  return about(policy, action, () => {
    const lower = action.toLowerCase();
    return policy.statements.flatMap((statement) => {
      const is = statement.isAbout(lower);
      if (is === false) return [];
      const perhaps = unknown(`actions of statement ${statement.name} of ${policy.name}`);
      return [is ? statement : withCondition(statement, perhaps)];
    });
  });
}

const about = memory<Policy, readonly Statement[]>();

function withCondition(statement: Statement, condition: Condition): Statement {
  return { ...statement, condition: all([statement.condition, condition]) };
}

function parseStatement(value: unknown, index: number, variables: boolean, policy: string): Statement[] {
  const what = `statement ${index + 1} of ${policy}`;
  const statement = objectOf(value);
  const { Effect: effect, Principal: named, NotPrincipal: spared } = statement;
  const isAbout = parseActions(statement);
  const covers = parseResources(statement, variables);
  const principals = parsePrincipals(named);
  // AWS advises against NotPrincipal; whom it spares depends on account, role, session and boundary, one after the other.
  if (spared !== undefined || (named !== undefined && principals === undefined)) return unreadable(what);
  if (effect !== 'Allow' && effect !== 'Deny') return unreadable(what);
  if (isAbout === undefined || covers === undefined) return unreadable(what);
  const name = stringOf(statement.Sid) ?? String(index + 1);
  const condition = compileConditions(statement.Condition, variables);
  return [{ name, effect, isAbout, covers, principals, condition }];
}

function unreadable(what: string): Statement[] {
  const everything = { name: what, isAbout: () => true, covers: () => ALWAYS, principals: undefined };
  return [
    { ...everything, effect: 'Allow', condition: unknown(`${what}, which can't be read`) },
    { ...everything, effect: 'Deny', condition: unknown(`${what}, which can't be read (a Deny)`) },
  ];
}

function parseActions(statement: JsonObject): Statement['isAbout'] | undefined {
  const negated = statement.Action === undefined;
  const element = negated ? statement.NotAction : statement.Action;
  const patterns = stringsOf(element).map((text) => globOf(text.toLowerCase()));
  if (element === undefined || patterns.length !== listOf(element).length) return undefined;
  return (action) => {
    const matches = ternary.fold(patterns, (glob) => matchGlob(glob, action), false);
    return negated ? ternary.not(matches) : matches;
  };
}

function parseResources(statement: JsonObject, variables: boolean): Statement['covers'] | undefined {
  const negated = statement.Resource === undefined;
  const element = negated ? statement.NotResource : statement.Resource;
  // Trust policies have no Resource: they are about the role they belong to.
  if (element === undefined) return statement.Principal === undefined ? undefined : () => ALWAYS;
  const texts = stringsOf(element);
  if (texts.length !== listOf(element).length) return undefined;
  const patterns = texts.map((text) => coverOf(text, variables));
  return (resource) => {
    const covered = any(patterns.map((pattern) => pattern(resource)));
    return negated ? not(covered) : covered;
  };
}

/** Whether a pattern of a Resource element covers a resource (or, of a pattern of resources, which). */
function coverOf(text: string, variables: boolean): (resource: string) => Condition {
  const glob = parsePattern(text, { wildcards: true, variables });
  const open = unknown(`resource ${text}`);
  if (glob === undefined) return () => open;
  if (covers(glob, globOf('*'))) return () => ALWAYS;
  const parts = arnParts(glob);
  return (resource) => {
    if (resource === '*') return NEVER;
    if (!resource.includes('*')) return constantOf(matchArn(parts, resource)) ?? open;
    if (parts.length < 6 || hasUnknown(glob + resource)) return open;
    const asked = arnParts(globOf(resource));
    if (!parts.every((part, index) => globsOverlap(part, asked[index] ?? ''))) return NEVER;
    return parts.every((part, index) => covers(part, asked[index] ?? '')) ? ALWAYS : isResource(glob);
  };
}
