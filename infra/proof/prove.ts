import { ZonesError } from '@helseid-zones/protocol/errors';
import { type Assumption, assumptionsOf } from '../declaration/assumptions.ts';
import type { ProofException, SystemDeclaration } from '../declaration/schema.ts';
import { type Assembly, readAssembly } from './assembly/read-assembly.ts';
import { type ResolveOptions, resolveAssembly } from './assembly/resolve.ts';
import { type Comparison, compareWithDerived } from './derived/compare.ts';
import { readInput } from './read-input.ts';
import { CAPABILITIES } from './rules/capabilities.ts';
import type { CapabilityRow } from './rules/capability.ts';
import { RULES } from './rules/index.ts';
import { untouching } from './rules/others.ts';
import { reachRows } from './rules/reach-rows.ts';
import type { Finding, ProofInput, Rule } from './rules/rule.ts';

/** An exception of the declaration, with what it excepts this time: nothing, where it is no longer needed. */
interface AppliedException extends ProofException {
  findings: readonly Finding[];
}

/** What the proof came to. */
export interface Proof {
  /** Whether no rule is broken, exceptions aside. */
  ok: boolean;
  /** The same, and whether the declaration takes something for granted that no template shows. */
  verdict: 'holds' | 'holds assuming' | 'violated';
  assumptions: readonly Assumption[];
  violations: readonly Finding[];
  exceptions: readonly AppliedException[];
  /** What the proof looked at, for those who draw or print it. */
  input: ProofInput;
}

/** What the templates leave open, and what to compare with. */
interface ProofOptions extends ResolveOptions {
  /** What the declaration yields (`deriveAssembly`), to compare with; absent: the rules alone decide. */
  derived?: Assembly;
}

/**
 * Proves that the boundaries of `declaration` hold in a cloud assembly (its folder, or what `readAssembly` gives). Under which
 * assumptions, docs/proof.md says. Expects a validated declaration.
 * @throws {ZonesError} assembly_invalid: the assembly can't be read, or refers to itself; declaration_invalid: for an exception of no rule
 */
export function prove(
  assembly: string | Assembly,
  declaration: SystemDeclaration,
  options: ProofOptions = {},
): Proof {
  refuseUnknownRules(declaration);
  const read = typeof assembly === 'string' ? readAssembly(assembly) : assembly;
  refuseAbsentStacks(read, declaration);
  try {
    return proofOf(read, declaration, options);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const what = 'something in it refers to itself, or is nested too deep or too long';
    throw new ZonesError('assembly_invalid', `The assembly can't be worked out: ${what}.`, { cause });
  }
}

function proofOf(read: Assembly, declaration: SystemDeclaration, options: ProofOptions): Proof {
  const resolved = resolveAssembly(read, options);
  const others = untouching(resolved, declaration);
  const comparison = options.derived && compareWithDerived(read, options.derived, declaration.otherStacks);
  const input = readInput(resolved, declaration, comparison && withoutOthers(comparison, others));
  const findings = RULES.flatMap((rule) => {
    const found = findingsOf(rule, input);
    return rule.ofOthers ? found : found.filter(({ resource }) => !others.has(resource));
  });
  const { exceptions, violations } = applyExceptions(findings, declaration);
  const ok = violations.length === 0;
  const assumptions = assumptionsOf(declaration);
  const holds = assumptions.length === 0 ? 'holds' : 'holds assuming';
  return { ok, verdict: ok ? holds : 'violated', assumptions, violations, exceptions, input };
}

/** What the declared exceptions take out of `findings`, and what they leave. */
export function applyExceptions(
  findings: readonly Finding[],
  { exceptions: declared = [] }: Pick<SystemDeclaration, 'exceptions'>,
): Pick<Proof, 'exceptions' | 'violations'> {
  const exceptions = declared.map((exception) => ({
    ...exception,
    findings: findings.filter((finding) => excepts(exception, finding)),
  }));
  const excepted = new Set(exceptions.flatMap((exception) => exception.findings));
  return { exceptions, violations: findings.filter((finding) => !excepted.has(finding)) };
}

/** What lies in other stacks and does not touch the system is no addition to it. */
function withoutOthers({ violations, additions }: Comparison, others: ReadonlySet<string>): Comparison {
  return { violations, additions: additions.filter(({ resource }) => !others.has(resource)) };
}

/** Only here: a declaration is loaded without the proof, and so without its rules. */
export function refuseUnknownRules({ exceptions = [] }: SystemDeclaration): void {
  for (const [index, { rule }] of exceptions.entries())
    if (!RULES.some(({ name }) => name === rule))
      throw new ZonesError(
        'declaration_invalid',
        `The declaration is not right:\n  exceptions[${index}].rule names the rule ${rule}, which does not exist; docs/proof.md lists them: correct it, or take the exception out`,
        { facts: { field: `exceptions[${index}].rule` } },
      );
}

/** What is assumed of a stack that nobody has would be said of nothing, and the one that was meant be judged. */
function refuseAbsentStacks({ stacks }: Assembly, { otherStacks }: SystemDeclaration): void {
  for (const [index, name] of otherStacks.entries())
    if (!stacks.some((stack) => stack.name === name))
      throw new ZonesError(
        'declaration_invalid',
        `The declaration is not right:\n  otherStacks[${index}] names the stack ${name}, which is not synthesized; there are: ${stacks.map((stack) => stack.name).join(', ')}; an application’s own are in what that synthesizes (--assembly DIR)`,
        { facts: { field: `otherStacks[${index}]` } },
      );
}

function findingsOf(rule: Rule, input: ProofInput): Finding[] {
  const { name, invariant } = rule;
  return rule.check(input).map((violation) => ({
    rule: name,
    invariant,
    ...violation,
    about: violation.about ?? [typeOf(violation.resource, input)],
  }));
}

/** Of what is no resource, such as a stack, its name. */
function typeOf(path: string, { assembly }: ProofInput): string {
  return assembly.resources.find(({ constructPath }) => constructPath === path)?.type ?? path;
}

/** Whether an exception is for a finding: its rule, its resource or what lies below that, and everything that it is about. */
function excepts({ rule, resource, about }: ProofException, finding: Finding): boolean {
  if (rule !== finding.rule || !finding.about.every((one) => about.includes(one))) return false;
  return resource.endsWith('/*')
    ? finding.resource.startsWith(resource.slice(0, -1))
    : finding.resource === resource;
}

/**
 * The capability matrix: one line for every role, action and resource (or pattern of them) that a rule is about; where two
 * rules asked the same, the line that knows more layers.
 */
export function matrixOf({ input }: Pick<Proof, 'input'>): CapabilityRow[] {
  const rows = new Map<string, CapabilityRow>();
  for (const row of [...CAPABILITIES.flatMap((rule) => rule.rows(input)), ...reachRows(input)]) {
    const id = `${row.principal} ${row.action} ${row.resource}`;
    const known = rows.get(id);
    if (known === undefined || known.layers.length < row.layers.length) rows.set(id, row);
  }
  return [...rows.values()];
}
