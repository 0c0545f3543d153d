import { endProgress, print, printError } from '../../infra/terminal.ts';
import { watchNpm } from './npm.ts';
import { readOptions, USAGE } from './options.ts';

// Before anything else, so that a parent that goes away meanwhile is noticed.
const place = { env: process.env, npmIsThere: watchNpm() };

// A reader that went away (`npm start | head`) must not keep the system from ending in order.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) print(USAGE);
  else {
    // To standard error, where it is in nobody's way; before the rest is loaded, which takes its time.
    const say = (what: string) => printError(`${process.uptime().toFixed(1).padStart(5)} s  ${what}`);
    if (options.json) endProgress();
    else say(`starting the local system of ${options.declarationFile}`);
    const { run } = await import('./run.ts');
    process.exitCode = await run(options, { ...place, say: options.json ? () => {} : say });
  }
} catch (error) {
  printError(error);
  process.exitCode = 1;
}
