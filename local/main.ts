import { print, printError } from '../infra/terminal.ts';
import { formatReport, runSteps } from './once.ts';
import { writeOperatorFile } from './operator-file.ts';
import { type CommandOptions, readOptions, USAGE } from './options.ts';
import { startPage } from './page/start.ts';
import { STEPS } from './steps/index.ts';
import { type LocalSystem, startSystem } from './system.ts';
import { welcome } from './welcome.ts';

/** Runs the command. Resolves to the exit code once everything has ended. */
async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    print(USAGE);
    return 0;
  }
  const ended = waitForSignal();
  const starting = startSystem({
    ...options,
    ports: { gateway: options.gatewayPort, standIn: options.standInPort },
    ...(options.once ? {} : { page: options.pagePort }),
    extraCaFile: process.env['NODE_EXTRA_CA_CERTS'],
  });
  const system = await Promise.race([starting, ended]);
  if (typeof system === 'string') {
    // Asked to end while it starts: what is half started is closed once it stands.
    await starting.then(({ close }) => close()).catch(() => {});
    return 130;
  }
  const forget = writeOperatorFile(options.directory, system);
  try {
    if (options.once) return await runOnce(system, options);
    const page = system.pagePort === undefined ? undefined : await startPage(system, system.pagePort);
    print(welcome(system, { seconds: process.uptime(), directory: options.directory, page: page?.url }));
    await ended;
    print('\nEnding…');
    await page?.close();
    return 0;
  } finally {
    forget();
    await system.close();
  }
}

async function runOnce(system: LocalSystem, { json }: CommandOptions): Promise<number> {
  const ready_ms = Math.round(process.uptime() * 1000);
  const { ok, steps, skipped } = await runSteps(system, STEPS);
  const report = { ok, ready_ms, steps };
  print(json ? JSON.stringify(report) : formatReport(report, skipped));
  return report.ok ? 0 : 1;
}

/** Resolves with the first signal that asks this process to end; a second one ends it at once, and its functions with it. */
function waitForSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve(signal);
      });
    }
  });
}

// A reader that went away (`npm start | head`) must not keep the system from ending in order.
process.stdout.on('error', () => {});

try {
  process.exitCode = await main();
} catch (error) {
  printError(error);
  process.exitCode = 1;
}
