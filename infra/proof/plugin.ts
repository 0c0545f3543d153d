import { relative } from 'node:path';
import type { IPolicyValidationPlugin, PolicyViolation } from 'aws-cdk-lib';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { escapeStrings, printError } from '../terminal.ts';
import { directoryOf, readAssembly } from './assembly/read-assembly.ts';
import { deriveAssembly } from './derived/derive.ts';
import { prove, refuseUnknownRules } from './prove.ts';
import { reportAssumptions, reportExceptions } from './report/summary.ts';
import { RULES } from './rules/index.ts';
import type { Finding } from './rules/rule.ts';

/** Columns of what a synth prints. */
const WIDTH = 120;

/**
 * The boundary proof as a policy validation plugin of the CDK: every synth runs it, and one with violations fails. They are
 * fatal to the CDK, so that no acknowledgement in a construct silences one: exceptions are declared, with their reason, and
 * printed every time.
 * @throws {ZonesError} declaration_invalid: for an exception of no rule
 */
export function boundaryPlugin(declaration: SystemDeclaration): IPolicyValidationPlugin {
  refuseUnknownRules(declaration);
  return {
    name: 'helseid-zones',
    ruleIds: RULES.map(({ name }) => name),
    validate: ({ templatePaths }) => {
      const directory = directoryOf(templatePaths);
      if (directory === undefined) return { success: true, violations: [] };
      const assembly = readAssembly(directory);
      const proof = prove(assembly, declaration, { derived: deriveAssembly(declaration, assembly) });
      for (const text of [reportAssumptions(proof, WIDTH), reportExceptions(proof, WIDTH)])
        if (text !== '') printError(text);
      const holds = proof.verdict === 'holds' ? 'hold' : 'hold, assuming that';
      if (proof.ok)
        printError(
          `The boundaries of ${declaration.name} ${holds} (npx helseid-zones zones --assembly ${relative('', directory)} shows the proof).`,
        );
      return { success: proof.ok, violations: escapeStrings(proof.violations).map(describe) };
    },
  };
}

function describe({ rule, invariant, resource, message, path, remedy }: Finding): PolicyViolation {
  return {
    ruleName: rule,
    description: message,
    fix: remedy,
    severity: 'fatal',
    violatingResources: [{ constructPath: resource, locations: [] }],
    ruleMetadata: { invariant, path: path.join(' -> ') },
  };
}
