/**
 * Mutation testing of what decides what is signed: Stryker's instrumenter puts every mutant into a copy of the repository, each behind
 * a switch; a dry run finds which tests come by which. A file's tests are then repeated in one process with one mutant after the other;
 * what is evaluated as a module loads, and what leaves something behind, has a process of its own for each mutant. Nothing is reported
 * unless all is green without a mutant, and a mutant that has to be found is.
 */
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { runJobs } from './run-jobs.ts';
import { type Mutant, makeSandbox } from './sandbox.ts';
import type { Covered, Sign } from './setup.ts';

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

/** Milliseconds of tests that a mutant has to survive, beside those of the first file: the quickest first. */
const ENOUGH = 20_000;

/** Milliseconds without any sign after which one of the mutants that take turns is taken to hang. */
const STALLED = 90_000;

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

/** The test files that come by a mutant: that of its own file first, then the quick ones, until it is enough. */
function coveringTests({ id, file }: Mutant): string[] {
  const own = `/${basename(file, '.ts')}.test.ts`;
  const weight = (test: string) => (test.endsWith(own) ? 0 : (durations.get(test) ?? 0));
  let spent = 0;
  return tests
    .filter((test) => isLoaded(test, id) || testsOf(test, id).length > 0)
    .sort((one, other) => weight(one) - weight(other))
    .filter((test, index) => {
      spent += isLoaded(test, id)
        ? (durations.get(test) ?? 0)
        : testsOf(test, id).reduce((sum, [, { milliseconds }]) => sum + milliseconds, 0);
      return index === 0 || spent < ENOUGH;
    });
}

/** Whether a test file comes by a mutant as it loads: it has to be loaded anew for it. */
function isLoaded(file: string, mutant: string): boolean {
  return coverage.get(file)?.static.includes(mutant) ?? false;
}

function testsOf(file: string, mutant: string) {
  return Object.entries(coverage.get(file)?.tests ?? {}).filter(([, { mutants }]) =>
    mutants.includes(mutant),
  );
}

/** Why a mutant did not pass: the test that failed, or that it ran too long. What is not here survived. */
const killers = new Map<string, string>();

/** Ids of those whose turn has not come. */
const waiting = new Set<string>();

/** Where a mutant stands in the order: mixed, so that a part of them is a sample of all, and the same in every run. */
function turnOf({ id }: Mutant): number {
  return (Number(id) * 2_654_435_761) % 2 ** 32;
}

/** Test files in which a mutant has to be tried alone. */
const alone = new Map<string, Set<string>>();

/** Tries mutants in files that do not come by them as they load; what stays doubtful is put into `alone`. Resolves to those without a turn. */
async function tryInTurns(files: ReadonlyMap<string, readonly string[]>): Promise<Set<string>> {
  const queue = tests
    .toSorted((one, other) => (durations.get(one) ?? 0) - (durations.get(other) ?? 0))
    .flatMap((file) => {
      const ids = new Set(files.get(file)?.filter((id) => !isLoaded(file, id)));
      return ids.size > 0 ? [{ file, ids }] : [];
    });
  const logs = new Map<string, { file: string; ids: Set<string> }>();
  const jobs = {
    [Symbol.iterator]: () => jobs,
    next: () => {
      const turn = Date.now() < deadline ? queue.shift() : undefined;
      if (!turn) return { done: true as const, value: undefined };
      const { file, ids } = turn;
      const log = join(folder, `turns-${logs.size}.jsonl`);
      writeFileSync(log, '');
      logs.set(log, turn);
      const isWaiting = (id: string) => ids.has(id) && !killers.has(id);
      const named = Object.entries(coverage.get(file)?.tests ?? {});
      const byTest = named.map(([name, covered]) => [name, covered.mutants.filter(isWaiting)]);
      const value = {
        mutant: '',
        files: [file],
        limit: STALLED,
        turns: { log, mutants: Object.fromEntries(byTest) },
      };
      return { done: false as const, value };
    },
  };
  await runJobs(folder, workers, jobs, ({ turns }, outcome) => {
    const { file, ids } = logs.get(turns?.log ?? '') ?? { file: '', ids: new Set<string>() };
    let trying = '';
    for (const line of readFileSync(turns?.log ?? '', 'utf8')
      .trim()
      .split('\n')) {
      const sign: Sign = JSON.parse(line || '{"trying":""}');
      if ('trying' in sign) trying = sign.trying;
      else if ('failed' in sign) killers.set(sign.failed, sign.by);
      else tryAlone(sign.doubtful, file);
    }
    tell(`in turns, ${file}`);
    if (outcome !== 'timeout' || trying === '') return;
    ids.delete(trying);
    tryAlone(trying, file);
    queue.unshift({ file, ids });
  });
  return new Set(queue.flatMap(({ ids }) => [...ids]));
}

function tryAlone(id: string, file: string): void {
  alone.set(id, (alone.get(id) ?? new Set()).add(file));
}

async function test(some: readonly Mutant[]): Promise<void> {
  const files = new Map(some.map((mutant) => [mutant.id, coveringTests(mutant)]));
  for (const [id, own] of files) if (own.length > 0) waiting.add(id);
  const mutantsOf = Map.groupBy(
    [...files].flatMap(([id, own]) => own.map((file) => ({ id, file }))),
    ({ file }) => file,
  );
  const without = await tryInTurns(
    new Map([...mutantsOf].map(([file, each]) => [file, each.map(({ id }) => id)])),
  );
  const jobs = [...files].flatMap(([mutant, own]) => {
    const left = own.filter((file) => isLoaded(file, mutant) || alone.get(mutant)?.has(file));
    const usual = left.reduce((sum, file) => sum + (durations.get(file) ?? 0), 0);
    if (killers.has(mutant) || (left.length === 0 && !without.has(mutant))) waiting.delete(mutant);
    return waiting.has(mutant) && left.length > 0 ? [{ mutant, files: left, limit: 30_000 + 5 * usual }] : [];
  });
  await runJobs(folder, workers, jobs, ({ mutant }, outcome) => {
    waiting.delete(mutant);
    const killer = outcome === 'timeout' ? outcome : outcome.failed;
    if (killer !== undefined) killers.set(mutant, killer);
    if (waiting.size % 20 === 0) tell('alone');
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

function tell(where: string): void {
  console.error(`${killers.size} of ${chosen.length} found (${where})`);
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
