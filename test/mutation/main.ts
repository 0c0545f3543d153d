/**
 * Mutation testing of what decides what is signed: Stryker's instrumenter puts every mutant into a copy of the repository, each behind
 * a switch; a dry run finds which tests come by which. A file's tests are then repeated in one process with one mutant after the other;
 * one that also matters as a module loads, or leaves something behind, has a process of its own. Nothing is reported
 * unless all is green without a mutant, and a mutant that has to be found is.
 */
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { measureCoverage } from './coverage.ts';
import { findFiles } from './find-files.ts';
import { runJobs } from './run-jobs.ts';
import { type Mutant, makeSandbox } from './sandbox.ts';
import { tryMutants } from './try-mutants.ts';

/** What decides what is signed, who gets in, and which key is whose, and what the proof of the zones asks policies and networks by. */
const SOURCES = [
  'protocol/*.ts',
  'functions/signer/*.ts',
  'functions/authorizer/*.ts',
  'functions/rotation/*.ts',
  'functions/common/record-store.ts',
  'infra/proof/policy/*.ts',
  'infra/proof/network/*.ts',
  'infra/proof/assembly/!(physical).ts',
];
const TESTS = [
  'test/protocol/*.test.ts',
  'test/functions/**/*.test.ts',
  'test/rotation/*.test.ts',
  'test/client/*.test.ts',
  'test/client/custody/uri.test.ts',
  'test/infra/declaration/*.test.ts',
  'test/infra/proof/policy/{decide,operators,pattern,solve}.test.ts',
  'test/infra/proof/assembly/{read-assembly,resolve}.test.ts',
  'test/infra/proof/{network/reach,rules/ask,policy/world/build}.test.ts',
  'test/local/aws/{decide-request,faults}.test.ts',
];
/** They run or weigh bundles, where no mutant is switched on; so handlers, which are wiring alone, are left out too. */
const APART = /\/(?:boundaries|bundle|deployed|handler)\.test|\/handler\.ts/;

/** In percent. */
const PASSING = 90;

/** The body of the function that decides whether something is signed: tests that let it be emptied did not run what is mutated. */
const CONTROL = {
  file: 'protocol/check-grant.ts',
  test: 'test/protocol/check-grant.test.ts',
  replacement: '{}',
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Prints everything as JSON instead. */
    json: { type: 'boolean', default: false },
    /** Globs of the test files to use. */
    tests: { type: 'string', multiple: true, default: TESTS },
    workers: { type: 'string', default: String(availableParallelism()) },
    /** `2/4`: the second of four parts of the mutants, each a sample of all, and the same in every run. */
    part: { type: 'string', default: '1/1' },
    /** Ends by then, with a score of those whose turn has come in every file; it does not pass. */
    minutes: { type: 'string', default: '240' },
  },
});
const workers = Number(values.workers);
const deadline = Date.now() + Number(values.minutes) * 60_000;
const find = (globs: readonly string[]) => {
  try {
    return findFiles(globs, APART);
  } catch (error) {
    return refuse((error as Error).message);
  }
};
const sources = find(positionals.length > 0 ? positionals : SOURCES);
const tests = find([...values.tests, CONTROL.test]);

const { folder, mutants } = await makeSandbox([...new Set([...sources, CONTROL.file])]);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

const coverage = await measureCoverage(folder, workers, tests).catch((error: Error) => refuse(error.message));

const control = mutants.find(
  ({ file, replacement }) => file === CONTROL.file && replacement === CONTROL.replacement,
);
if (!control) refuse(`${CONTROL.file} has no function's body to empty.`);
const isCovered = Object.values(coverage.get(CONTROL.test)?.tests ?? {}).some(({ mutants: ids }) =>
  ids.includes(control.id),
);
if (!isCovered) refuse(`${CONTROL.test} does not come by ${CONTROL.file}.`);
// In one process, as it is for the others: the mutant is found, and leaves nothing behind.
await runJobs(
  folder,
  1,
  [
    { mutant: control.id, files: [CONTROL.test], limit: 300_000 },
    { mutant: '', files: [...coverage.keys()].slice(0, 2), limit: 300_000 },
  ],
  ({ mutant }, outcome) => {
    if (outcome === 'timeout' || (mutant === '') === (outcome.failed !== undefined))
      refuse(`With mutant ${mutant || 'none'} of ${CONTROL.file}: ${JSON.stringify(outcome)}.`);
  },
);

/** Where a mutant stands in the order: mixed, so that a part of them is a sample of all, and the same in every run. */
function turnOf({ id }: Mutant): number {
  return (Number(id) * 2_654_435_761) % 2 ** 32;
}

const asked = mutants.filter(({ file }) => sources.includes(file));
const [part = 1, parts = 1] = values.part.split('/').map(Number);
const chosen = asked
  .filter(({ ignored }) => !ignored)
  .sort((one, other) => turnOf(one) - turnOf(other))
  .filter((_, turn) => turn % parts === part - 1);
const progress = (found: number, step: string) => {
  console.error(`${found} of ${chosen.length} found (${step})`);
};
const { killers, left } = await tryMutants({ folder, workers, coverage, deadline, progress }, chosen);
report();

function report(): void {
  const counted = chosen.filter(({ id }) => !left.has(id));
  const survivors = counted.filter(({ id }) => !killers.has(id));
  const files = sources.map((file) => {
    const all = counted.filter((mutant) => mutant.file === file).length;
    const survived = survivors.filter((mutant) => mutant.file === file).length;
    return { file, mutants: all, survived, score: percent(all - survived, all) };
  });
  const total = {
    mutants: counted.length,
    survived: survivors.length,
    waiting: left.size,
    score: percent(counted.length - survivors.length, counted.length),
    timeouts: [...killers.values()].filter((killer) => killer === 'timeout').length,
    ignored: Object.groupBy(
      asked.filter(({ ignored }) => ignored),
      ({ ignored = 'comment' }) => ignored,
    ),
  };
  const ignored = { comment: total.ignored.comment?.length ?? 0, prose: total.ignored.prose?.length ?? 0 };
  const killed = counted.flatMap((mutant) => {
    const killer = killers.get(mutant.id);
    return killer === undefined ? [] : [{ ...mutant, killer }];
  });
  if (values.json) console.log(JSON.stringify({ ...total, ignored, files, survivors, killed }, undefined, 2));
  else {
    for (const { file, line, original, replacement } of survivors)
      console.log(`${file}:${line}  ${shorten(original)}  ->  ${shorten(replacement)}`);
    for (const { file, score, mutants: all, survived } of files)
      console.log(`${score.toFixed(1).padStart(6)} %  ${file}: ${survived} of ${all} survived`);
    console.log(
      `${total.score.toFixed(1)} % of ${total.mutants} mutants (part ${values.part}) found (${total.timeouts} by a timeout), ${PASSING} % asked for; ` +
        `not counted: ${ignored.prose} in messages, ${ignored.comment} by a comment, ${left.size} for want of time`,
    );
  }
  process.exitCode = total.score >= PASSING && left.size === 0 ? 0 : 1;
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 100 : (100 * part) / whole;
}

function shorten(code: string): string {
  const line = code.replace(/\s+/g, ' ');
  return line.length > 90 ? `${line.slice(0, 87)}...` : line;
}

function refuse(why: string): never {
  console.error(why);
  process.exit(1);
}
