import type { parseArgs } from 'node:util';
import { type Changes, reportChanges, unexplained } from '../changes/changes.ts';
import { type Base, findBase } from '../changes/find-base.ts';
import { loadSystem, namesOfFunctions } from '../declaration/load.ts';
import { SIGNING_ZONE } from '../declaration/names.ts';
import { DECLARATION_OPTIONS, readArguments, requireKnown, requireWritable } from '../declaration/options.ts';
import { foreignPaths } from '../declaration/runtimes.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { findPorts, findWarnings } from '../declaration/warnings.ts';
import { print, printError, runCommand } from '../terminal.ts';
import { withAssembly } from '../with-assembly.ts';
import { readAssembly } from './assembly/read-assembly.ts';
import { type Proof, prove } from './prove.ts';
import { writeMaps } from './report/map/page.ts';
import { proofAsJson } from './report/proof-json.ts';
import { reportMatrix, reportRequests } from './report/report.ts';
import { reportExceptions, reportSummary } from './report/summary.ts';
import { NO_ZONE } from './rules/actors.ts';
import { OTHERS } from './rules/lambda/signer-policies.ts';

const USAGE = `npm run zones -- [options]

Proves, from the synthesized cloud assembly, that the zones' boundaries hold, and prints what to know first.

  --assembly DIR      prove this cloud assembly instead of synthesizing one
  --rebuild           with --assembly: compile the sources anew, and compare each function's code with them
  --declaration FILE  the declaration to prove it against (zones.ts)
  --stage NAME        which stage, of a declaration that is a function of it
  --against DIR|REV   print what is wider and narrower than in that cloud assembly, or at that git revision, instead of the proof
  --all               print everything, who may do what too
  --zone, --role NAME print who may do what of one zone, or of one role
  --requests          print for every line of the matrix, and every violation, a request that shows it
  --json              print JSON (docs/proof.md has its members)
  --svg FILE          draw the zone map into FILE
  --html FILE         the zone map as a page, with violations and who may do what in words
  --help              print this

Exit status: 0 the boundaries hold, or hold assuming what the declaration names; 1 they do not; 2 there is nothing to prove.
The verdict of --json tells the first two apart.`;

/** Columns where the output is no terminal. */
const WIDTH = 160;

const options = {
  assembly: { type: 'string' },
  rebuild: { type: 'boolean' },
  ...DECLARATION_OPTIONS,
  against: { type: 'string' },
  all: { type: 'boolean' },
  zone: { type: 'string' },
  role: { type: 'string' },
  requests: { type: 'boolean' },
  json: { type: 'boolean' },
  svg: { type: 'string' },
  html: { type: 'string' },
} as const;

type Options = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

async function main(args: string[]): Promise<number> {
  const { values } = readArguments({ args, options });
  const system = await loadSystem(values.declaration, values.stage);
  // What needs no synth to be told wrong: that takes long. Roles that CloudFormation names, by a hash, no declaration tells.
  requireKnown('zone', values.zone, [...Object.keys(system.zones), SIGNING_ZONE, NO_ZONE]);
  if (values.assembly === undefined && !/-[0-9A-F]{12}$/.test(values.role ?? ''))
    requireKnown('role', values.role, namesOfFunctions(system, values.declaration)?.concat(OTHERS));
  for (const name of ['svg', 'html'] as const) requireWritable(name, values[name]);
  const base = values.against === undefined ? undefined : findBase(values.against);
  for (const { field, message } of findWarnings(system)) printError(`warning: ${field} ${message}`);
  for (const { field, message } of Object.keys(system.zones).flatMap((zone) => findPorts(system, zone)))
    printError(`A deploy is refused: ${field} ${message}`);
  const onSynth = () => printError('synthesizing ...');
  return withAssembly(values, system, onSynth, (directory) => printProof(directory, system, values, base));
}

async function printProof(
  directory: string,
  system: SystemDeclaration,
  options: Options,
  base?: Base,
): Promise<number> {
  const { requests, rebuild, json, svg, html } = options;
  const assembly = readAssembly(directory);
  for (const path of rebuild ? Object.values(system.zones).flatMap(foreignPaths) : [])
    printError(`${path} is compared as it lies here: it is code that this command does not compile.`);
  printError('proving ...');
  // Loaded here: the CDK takes longer than the proof.
  const { deriveAssembly } = await import('./derived/derive.ts');
  const proof = prove(assembly, system, { derived: deriveAssembly(system, assembly, rebuild) });
  writeMaps({ svg, html }, proof);
  if (base !== undefined) {
    printError(`synthesizing ${base.against} ...`);
    const { compareWith } = await import('../changes/compare-with.ts');
    return printChanges(await compareWith(base, { ...proof.input, read: assembly }, options), proof, json);
  }
  if (json) {
    print(JSON.stringify(proofAsJson(proof), null, 2));
    if (proof.exceptions.length > 0) printError(reportExceptions(proof, WIDTH));
  } else printReport(proof, options);
  if (requests && !json) print(reportRequests(proof));
  return proof.ok ? 0 : 1;
}

/** One screen of what to know; the rest where somebody asked. */
function printReport(proof: Proof, { all = false, zone, role }: Options): void {
  const width = process.stdout.columns ?? WIDTH;
  const asked = all || zone !== undefined || role !== undefined;
  const more = asked
    ? reportMatrix(proof, width, { zone, role })
    : 'Who may do what: --all, --zone NAME or --role NAME. What is left: docs/proof.md.';
  print(`${reportSummary(proof, width, all)}\n\n${more}`);
}

function printChanges(changes: Changes, proof: Proof, json = false): number {
  const ok = proof.ok && unexplained(changes) === 0;
  if (json) print(JSON.stringify({ ok, ...changes }, null, 2));
  else print(reportChanges(changes));
  if (!proof.ok) printError('The boundaries DO NOT HOLD after this change: npm run zones says where.');
  return ok ? 0 : 1;
}

// Last, so that everything above is there.
await runCommand(main, { usage: USAGE, failed: 2 });
