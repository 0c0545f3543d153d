import type { SystemDeclaration } from '../../declaration/schema.ts';
import type { Network } from '../assembly/network.ts';
import type { ResolvedAssembly, ResolvedResource } from '../assembly/resolve.ts';
import type { Comparison } from '../derived/compare.ts';
import type { Reach } from '../network/reach.ts';
import type { World } from '../policy/world/world.ts';
import type { Actor } from './actors.ts';
import type { Witness } from './witness.ts';

/** The invariants of docs/invariants.md that templates can break. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I3a' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I10';

/** A boundary that does not hold. */
export interface Finding {
  rule: string;
  invariant: Invariant;
  /** Construct path of the resource to mend. */
  resource: string;
  /** What of it is wrong, for an exception to name: actions, properties, the place of a text; else the type of the resource. */
  about: readonly string[];
  message: string;
  /** Who, through what, to what. */
  path: readonly string[];
  remedy: string;
  /** A request that shows it, where it is about requests. */
  request?(): Witness | undefined;
}

/** A finding, before the rule's name and invariant are put to it, and where it says nothing else the type of the resource. */
export type Violation = Omit<Finding, 'rule' | 'invariant' | 'about'> & Partial<Pick<Finding, 'about'>>;

/** What every rule looks at: the declaration, and what the cloud assembly says. */
export interface ProofInput {
  declaration: SystemDeclaration;
  assembly: ResolvedAssembly;
  network: Network;
  /** What each function can open connections to. */
  reach: readonly Reach[];
  /** Everything that decides who may do what. */
  world: World;
  /** How the assembly differs from what the declaration yields; absent where the two were not compared. */
  comparison?: Comparison;
  /** Every role of the assembly with its place in the system. */
  actors: readonly Actor[];
}

/** One rule. */
export interface Rule<Input = ProofInput> {
  name: string;
  invariant: Invariant;
  /** The sentence that is the rule. */
  title: string;
  /** Whether its findings on other stacks count too: on what they must not do to the system. What else they do is theirs. */
  ofOthers?: true;
  check(input: Input): Violation[];
}

/** What is wrong with something, completing a sentence about it; with the action or property that it is about, and a request that shows it, where there are. */
export type Problem = string | Told;

type Told = readonly [about: string | undefined, problem: string, request?: Violation['request']];

/** What there is to say of something; what is no problem is not wrong. */
export type Problems = readonly (Problem | false | undefined)[];

/** What there is to say of one resource: a violation for each of `problems`, which complete a sentence about `subject`. */
export function violationsOf(
  problems: Problems,
  at: Pick<Violation, 'resource' | 'remedy'> & {
    subject?: string | undefined;
    path?: readonly string[] | undefined;
  },
): Violation[] {
  const { resource, remedy, subject = resource, path } = at;
  return problems
    .filter((problem) => problem !== false && problem !== undefined)
    .map((problem) => {
      const [about, text, request]: Told = typeof problem === 'string' ? [undefined, problem] : problem;
      return {
        resource,
        remedy,
        message: `${subject} ${text}.`,
        path: path ?? [resource, text],
        ...(about === undefined ? {} : { about: [about] }),
        ...(request === undefined ? {} : { request }),
      };
    });
}

/** A rule about resources one by one. */
interface ResourceRule extends Omit<Rule, 'check'> {
  /** Their types (default: all). */
  of?: readonly string[];
  problems(resource: ResolvedResource, input: ProofInput): Problems;
  /** What the problems are said of (default: the construct path). */
  subject?(resource: ResolvedResource, input: ProofInput): string;
  /** Who, through what, to what (default: the resource, and what is wrong with it). */
  path?(resource: ResolvedResource, input: ProofInput): readonly string[];
  remedy: string;
}

/** The rule that asks each resource for its problems. */
export function resourceRule({ of, problems, subject, path, remedy, ...rule }: ResourceRule): Rule {
  return {
    ...rule,
    check: (input) =>
      input.assembly.resources
        .filter(({ type }) => of?.includes(type) ?? true)
        .flatMap((resource) =>
          violationsOf(problems(resource, input), {
            resource: resource.constructPath,
            remedy,
            subject: subject?.(resource, input),
            path: path?.(resource, input),
          }),
        ),
  };
}

/** Whether a resource is none that the declaration yields, or has more than it yields; false where nobody compared. */
export function isAddition({ stack, logicalId }: ResolvedResource, { comparison }: ProofInput): boolean {
  return comparison?.additions.some((one) => one.stack === stack && one.logicalId === logicalId) ?? false;
}

/** Whether a resource outlives its stack, and its replacement; `RetainExceptOnCreate` lets a first deploy that failed be tried again. */
export function isKept({ definition: { DeletionPolicy, UpdateReplacePolicy } }: ResolvedResource): boolean {
  const kept = ['Retain', 'RetainExceptOnCreate'].includes(String(DeletionPolicy));
  return kept && UpdateReplacePolicy === 'Retain';
}

/** The words of a list that is written as text: names of actions or types, apart by blanks. */
export function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter(Boolean);
}
