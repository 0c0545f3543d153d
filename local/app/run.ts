import { endProgress, print, printError } from '../../infra/terminal.ts';
import { formatReport, runSteps } from './once.ts';
import { writeOperatorFile } from './operator-file.ts';
import type { CommandOptions } from './options.ts';
import { startPage } from './page/start.ts';
import { STEPS } from './steps/index.ts';
import { type LocalSystem, startSystem } from './system.ts';
import { createLinePrinter } from './terminal.ts';
import { waitForEnd } from './wait-for-end.ts';
import { type Edits, watchEdits, watchFunctions } from './watch.ts';
import { welcome } from './welcome.ts';

/** Where the command runs. */
interface Surroundings {
  env: NodeJS.ProcessEnv;
  /** Where npm runs this process: whether it still does. */
  npmIsThere: (() => boolean) | undefined;
  /** Told what goes on. */
  say(what: string): void;
}

/** Exit code of one that a signal ended before it was through. */
const ENDED = 130;

/** Instead of an exit code: the declaration has changed. */
const AGAIN = 'again' as const;

const NO_EDITS: Edits = { valid: new Promise(() => {}), leaveSources() {}, stop() {} };

/**
 * Runs the command. Resolves to the exit code once everything has ended. Throws what starting
 * throws.
 */
export async function run(options: CommandOptions, { env, npmIsThere, say }: Surroundings): Promise<number> {
  const { declarationFile, directory, stage, once, watch } = options;
  const ended = waitForEnd(npmIsThere);
  const lines = createLinePrinter(printError);
  const start = {
    ...options,
    page: once ? undefined : options.page,
    onLine: once ? undefined : lines.put,
    extraCaFile: env['NODE_EXTRA_CA_CERTS'],
    path: env['PATH'],
    onProgress: say,
  };

  /** Starts the system and lets it run until it shall end, or until its declaration is another and valid. */
  async function runUntil(edits: Edits, fresh: boolean, began: number): Promise<number | typeof AGAIN> {
    const started = new AsyncDisposableStack();
    const system = await Promise.race([ended, startSystem({ ...start, fresh }, started)]);
    if (typeof system === 'string') {
      // Asked to end while it starts: what has started is closed, what is being started ends with the process.
      await started.disposeAsync().catch(() => {});
      process.exit(ENDED);
    }
    const forget = writeOperatorFile(directory, system);
    const stopWatching = watch ? watchFunctions(system, directory, say) : () => {};
    edits.leaveSources();
    try {
      if (once) return await Promise.race([runOnce(system, options, say), ended.then(() => ENDED)]);
      const page = system.pagePort === undefined ? undefined : await startPage(system, system.pagePort);
      lines.begin();
      endProgress();
      print(welcome(system, { seconds: process.uptime() - began, directory, page: page?.url }));
      const code = await untilEdited(edits);
      if (code === 0) print('\nEnding…');
      await page?.close();
      return code;
    } finally {
      stopWatching();
      forget();
      await system.close();
    }
  }

  const untilEdited = ({ valid }: Edits): Promise<0 | typeof AGAIN> =>
    Promise.race([ended.then(() => 0 as const), valid.then(() => AGAIN)]);

  let code: number | typeof AGAIN = AGAIN;
  for (let first = true; code === AGAIN; first = false) {
    if (!first) say('starting again');
    // From before a start, which has nothing of what is edited while it lasts.
    const edits = watch ? watchEdits(declarationFile, stage, say) : NO_EDITS;
    code = await runUntil(edits, first && options.fresh, first ? 0 : process.uptime())
      .catch((error) => {
        if (first) throw error;
        printError(error);
        say(`nothing runs now; it starts again when ${declarationFile} or a function changes`);
        // What is wrong may be a function, also one that is declared and not written yet.
        return untilEdited(edits);
      })
      .finally(edits.stop);
  }
  // A step that was under way ends with the process.
  if (code === ENDED) process.exit(code);
  return code;
}

async function runOnce(system: LocalSystem, { json }: CommandOptions, say: Surroundings['say']) {
  const ready_ms = Math.round(process.uptime() * 1000);
  const { ok, steps, skipped } = await runSteps(system, STEPS, say);
  const report = { ok, ready_ms, steps };
  print(json ? JSON.stringify(report) : formatReport(report, skipped));
  return report.ok ? 0 : 1;
}
