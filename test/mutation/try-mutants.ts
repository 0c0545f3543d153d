import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Coverage, coveringFiles, isLoaded } from './coverage.ts';
import { type BoundedJob, runJobs } from './run-jobs.ts';
import type { Mutant } from './sandbox.ts';
import type { Sign } from './setup.ts';

/** Milliseconds without any sign, beside those of the file's longest test ten times and of loading it, after which a mutant whose turn it is is taken to hang. */
const STALLED = 10_000;

/** Where and how long mutants are tried. */
export interface Trial {
  folder: string;
  workers: number;
  coverage: Coverage;
  /** Milliseconds since 1970; what has had no turn by then is left. */
  deadline: number;
  /** Told after each step how many are found. */
  progress: (found: number, step: string) => void;
}

/** What came of mutants, by their ids; what is neither found nor left survived. */
export interface Tried {
  /** The test that failed, or that the mutant ran too long. */
  killers: Map<string, string>;
  /** Without a turn in one of their files. */
  left: Set<string>;
}

/** Tries each mutant in the files whose tests come by it, until one fails. */
export async function tryMutants(trial: Trial, mutants: readonly Mutant[]): Promise<Tried> {
  const { coverage } = trial;
  const files = new Map(mutants.map((mutant) => [mutant.id, new Set(coveringFiles(coverage, mutant))]));
  const { killers, left, alone } = await tryInTurns(trial, files);
  const jobs = [...files].flatMap(([mutant, own]) => {
    const rest = [...own].filter(
      (file) => isLoaded(coverage.get(file), mutant) || alone.has(`${mutant} ${file}`),
    );
    const usual = rest.reduce((sum, file) => sum + (coverage.get(file)?.milliseconds ?? 0), 0);
    const isOver = killers.has(mutant) || rest.length === 0;
    return isOver ? [] : [{ mutant, files: rest, limit: 30_000 + 5 * usual }];
  });
  for (const { mutant } of jobs) left.add(mutant);
  await runJobs(trial.folder, trial.workers, jobs, ({ mutant }, outcome) => {
    left.delete(mutant);
    const killer = outcome === 'timeout' ? outcome : outcome.failed;
    if (killer !== undefined) killers.set(mutant, killer);
    trial.progress(killers.size, `${mutant} alone`);
    if (Date.now() > trial.deadline) jobs.length = 0;
  });
  for (const id of killers.keys()) left.delete(id);
  return { killers, left };
}

/** Tries mutants in files that do not come by them as they load. `alone` names a mutant and a file in which it has to be tried alone. */
async function tryInTurns(
  { folder, workers, coverage, deadline, progress }: Trial,
  files: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<Tried & { alone: Set<string> }> {
  const killers = new Map<string, string>();
  const alone = new Set<string>();
  const queue = [...coverage].flatMap(([file, covered]) => {
    const own = [...files].filter(([id, each]) => each.has(file) && !isLoaded(covered, id));
    return own.length > 0 ? [{ file, ids: new Set(own.map(([id]) => id)) }] : [];
  });
  const logs = new Map<string, { file: string; ids: Set<string> }>();

  const nextJob = (): IteratorResult<BoundedJob, undefined> => {
    const turn = Date.now() < deadline ? queue.shift() : undefined;
    if (!turn) return { done: true, value: undefined };
    const log = join(folder, `turns-${logs.size}.jsonl`);
    writeFileSync(log, '');
    logs.set(log, turn);
    const { tests: own = {}, milliseconds: whole = 0 } = coverage.get(turn.file) ?? {};
    const tests = Object.entries(own);
    const longest = Math.max(...tests.map(([, { milliseconds }]) => milliseconds));
    const waiting = tests.map(([name, { mutants }]) => [
      name,
      mutants.filter((id) => turn.ids.has(id) && !killers.has(id)),
    ]);
    const turns = { log, mutants: Object.fromEntries(waiting) };
    const limit = STALLED + 10 * longest + 3 * whole;
    return { done: false, value: { mutant: '', files: [turn.file], limit, turns } };
  };
  // Not a generator: a file whose mutant hangs is put back after the other process found nothing to do.
  const jobs = { [Symbol.iterator]: () => ({ next: nextJob }) };
  await runJobs(folder, workers, jobs, ({ turns: { log } = { log: '' } }, outcome) => {
    const { file, ids } = logs.get(log) ?? { file: '', ids: new Set<string>() };
    const signs = readFileSync(log, 'utf8').split('\n').filter(Boolean);
    let trying = '';
    for (const sign of signs.map((line): Sign => JSON.parse(line))) {
      if ('trying' in sign) trying = sign.trying;
      else if ('failed' in sign) killers.set(sign.failed, sign.by);
      else alone.add(`${sign.doubtful} ${file}`);
    }
    if (outcome === 'timeout') {
      // Without a turn it was none that hung, but the file that took long to load.
      const hung = ids.delete(trying);
      for (const id of hung ? [trying] : ids) alone.add(`${id} ${file}`);
      if (hung) queue.unshift({ file, ids });
    }
    progress(killers.size, `in turns, ${file}`);
  });
  return { killers, alone, left: new Set(queue.flatMap(({ ids }) => [...ids])) };
}
