import { print, printError } from '../../infra/terminal.ts';
import { readOptions, USAGE } from './options.ts';

// npm hands a signal to its shell alone, and many a shell dies of it without a word: this process ends when its parent of now is gone.
const parent = process.ppid;
const startedByNpm = process.env['npm_lifecycle_event'] !== undefined;
const place = {
  env: process.env,
  npmIsThere: startedByNpm ? () => process.ppid === parent : undefined,
};

// A reader that went away (`npm start | head`) must not keep the system from ending in order.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) print(USAGE);
  else {
    // To standard error, where it is in nobody's way; before the rest is loaded, which takes its time.
    const say = (what: string) => printError(`${process.uptime().toFixed(1).padStart(5)} s  ${what}`);
    if (!options.json) say(`starting the local system of ${options.declarationFile}`);
    const { run } = await import('./run.ts');
    process.exitCode = await run(options, { ...place, say: options.json ? () => {} : say });
  }
} catch (error) {
  printError(error);
  process.exitCode = 1;
}
