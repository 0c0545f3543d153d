/**
 * Mutation testing of what decides what is signed: Stryker's instrumenter puts every mutant into a copy of the repository, each behind
 * a switch; a dry run finds which test files come by which; then each is switched on for those files until one fails. Nothing is
 * reported unless all is green without a mutant, and a mutant that has to be found is.
 */
import { globSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { runJobs } from './run-jobs.ts';
import { type Mutant, makeSandbox } from './sandbox.ts';
import type { Covered } from './setup.ts';

/** What decides what is signed, who gets in, and which key is whose. */
const SOURCES = [
  'protocol/*.ts',
  'functions/signer/*.ts',
  'functions/authorizer/*.ts',
  'functions/rotation/*.ts',
  'functions/common/record-store.ts',
];
const TESTS = [
  'test/protocol/*.test.ts',
  'test/functions/**/*.test.ts',
  'test/rotation/*.test.ts',
  'test/client/*.test.ts',
  'test/client/custody/uri.test.ts',
  'test/infra/declaration/*.test.ts',
];
/** They run bundles in processes of their own, where no mutant is switched on; so handlers, which are wiring alone, are left out too. */
const APART = /\/(?:bundle|deployed|handler)\.test|\/handler\.ts/;

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
    /** Ends by then, with a score of those whose turn has come, all files alike; it does not pass. */
    minutes: { type: 'string', default: '240' },
  },
});
const workers = Number(values.workers);
const deadline = Date.now() + Number(values.minutes) * 60_000;
const sources = globSync(positionals.length > 0 ? positionals : SOURCES)
  .filter((file) => !APART.test(file))
  .sort();
const tests = [...new Set(globSync([...values.tests, CONTROL.test]).filter((file) => !APART.test(file)))];

const { folder, mutants } = await makeSandbox([...new Set([...sources, CONTROL.file])]);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

const durations = new Map<string, number>();
const coverage = new Map<string, Covered>();
await runJobs(
  folder,
  workers,
  tests.map((file) => ({ mutant: '', files: [file], limit: 300_000 })),
  ({ files: [file = ''] }, outcome) => {
    if (outcome === 'timeout' || outcome.failed !== undefined)
      refuse(`${file} fails without a mutant: ${outcome === 'timeout' ? outcome : outcome.failed}`);
    durations.set(file, outcome.milliseconds);
    coverage.set(file, outcome.covered);
  },
);

/** Names of the tests of a file that come by a mutant, or that the whole file does, as it loads. */
function testsOf(file: string, mutant: string): string[] | 'all' {
  const { static: loading = [], tests: named = {} } = coverage.get(file) ?? {};
  return loading.includes(mutant)
    ? 'all'
    : Object.keys(named).filter((name) => named[name]?.includes(mutant));
}

/** The test files that come by a mutant: that of its own file first, then the quick ones. */
function coveringTests({ id, file }: Mutant): string[] {
  const own = `/${basename(file, '.ts')}.test.ts`;
  const weight = (test: string) => (test.endsWith(own) ? 0 : (durations.get(test) ?? 0));
  return tests
    .filter((test) => testsOf(test, id).length > 0)
    .sort((one, other) => weight(one) - weight(other));
}

/** Why a mutant did not pass: the test that failed, or that it ran too long. What is not here survived. */
const killers = new Map<string, string>();

/** Ids of those whose turn has not come. */
const waiting = new Set<string>();

/** Where a mutant stands in the order: mixed, so that a part of them is a sample of all, and the same in every run. */
function turnOf({ id }: Mutant): number {
  return (Number(id) * 2_654_435_761) % 2 ** 32;
}

async function test(some: readonly Mutant[]): Promise<void> {
  const jobs = some.flatMap((mutant) => {
    const files = coveringTests(mutant);
    const usual = files.reduce((sum, file) => sum + (durations.get(file) ?? 0), 0);
    const only = Object.fromEntries(
      files.flatMap((file) => {
        const names = testsOf(file, mutant.id);
        return names === 'all' ? [] : [[file, names]];
      }),
    );
    return files.length > 0 ? [{ mutant: mutant.id, files, only, limit: 30_000 + 5 * usual }] : [];
  });
  for (const { mutant } of jobs) waiting.add(mutant);
  await runJobs(folder, workers, jobs, ({ mutant }, outcome) => {
    waiting.delete(mutant);
    const killer = outcome === 'timeout' ? outcome : outcome.failed;
    if (killer !== undefined) killers.set(mutant, killer);
    if (Date.now() > deadline) jobs.length = 0;
  });
}

const control = mutants.find(
  ({ file, replacement }) => file === CONTROL.file && replacement === CONTROL.replacement,
);
if (!control) refuse(`${CONTROL.file} has no function's body to empty.`);
if (testsOf(CONTROL.test, control.id).length === 0)
  refuse(`${CONTROL.test} does not come by ${CONTROL.file}.`);
// In one process, as it is for the others: the mutant is found, and leaves nothing behind.
const quickest = tests.toSorted((one, other) => (durations.get(one) ?? 0) - (durations.get(other) ?? 0));
await runJobs(
  folder,
  1,
  [
    { mutant: control.id, files: [CONTROL.test], limit: 300_000 },
    { mutant: '', files: quickest.slice(0, 2), limit: 300_000 },
  ],
  ({ mutant }, outcome) => {
    if (outcome === 'timeout' || (mutant === '') === (outcome.failed !== undefined))
      refuse(`With mutant ${mutant || 'none'} of ${CONTROL.file}: ${JSON.stringify(outcome)}.`);
  },
);

const asked = mutants.filter(({ file }) => sources.includes(file));
const [part = 1, parts = 1] = values.part.split('/').map(Number);
const chosen = asked
  .filter(({ ignored }) => !ignored)
  .sort((one, other) => turnOf(one) - turnOf(other))
  .filter((_, turn) => turn % parts === part - 1);
await test(chosen);
report();

function report(): void {
  const counted = chosen.filter(({ id }) => !waiting.has(id));
  const survivors = counted.filter(({ id }) => !killers.has(id));
  const files = sources.map((file) => {
    const all = counted.filter((mutant) => mutant.file === file).length;
    const survived = survivors.filter((mutant) => mutant.file === file).length;
    return { file, mutants: all, survived, score: percent(all - survived, all) };
  });
  const total = {
    mutants: counted.length,
    survived: survivors.length,
    waiting: waiting.size,
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
        `not counted: ${ignored.prose} in messages, ${ignored.comment} by a comment, ${waiting.size} for want of time`,
    );
  }
  process.exitCode = total.score >= PASSING && waiting.size === 0 ? 0 : 1;
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
