import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { DECLARATION_OPTIONS, readArguments } from '../../infra/declaration/options.ts';

/** What `npm start -- …` was asked for. */
export type CommandOptions = ReturnType<typeof readOptions>;

/** Where state is kept when nothing else is said. */
export const DEFAULT_DIRECTORY = '.local';

/** Where sample events and answers of the APIs are looked for when nothing else is said. */
export const DEFAULT_EXAMPLES = 'examples';

/** What `--help` prints. */
export const USAGE = `npm start -- [options]

  --once                run the whole job, print a table of steps, exit 0 or 1
  --json                with --once: print only JSON (npm --silent start … prints nothing of its own)
  --watch               an edit of a function is live at once, one of the declaration after a restart that keeps the state
  --inspect FUNCTION    a debugger may attach to this function (journal-internal-worker) at 127.0.0.1:9229
  --fresh               begin with empty caches and state; with --no-stand-in, only where that holds no keys
  --https               gateways and page with TLS: Safari keeps no Secure cookie of http://localhost, so nobody could log in
  --declaration FILE    another declaration than zones.ts
  --stage NAME          which stage, of a declaration that is a function of it
  --no-stand-in         call the declared issuers and APIs themselves (conformance testing)
  --challenge-keeps-assertion
                        the stand-in's nonce challenge does not use the client assertion up, so that it may be sent again
  --port N              first port of the gateways (default 3000)
  --stand-in-port N     first port of the stand-ins (default 3443)
  --page-port N         port of the page (default: after the gateways, 3001)
  --examples FOLDER     sample events (*.json) and what APIs answer (answers/<api>/<METHOD>/<path>.json; default ${DEFAULT_EXAMPLES})
  --directory FOLDER    where state is kept (default ${DEFAULT_DIRECTORY})
`;

/**
 * Reads the command line.
 * @throws {ZonesError} local_failed: the message names what is wrong with it
 */
export function readOptions(args: readonly string[]) {
  const { values } = readArguments({ args: [...args], options: OPTIONS }, wrong);
  if (values.examples !== DEFAULT_EXAMPLES && !existsSync(values.examples))
    throw wrong(`--examples names no folder: ${values.examples}`);
  const { fresh, https, once, json, help, watch, inspect } = values;
  return {
    fresh,
    https,
    once,
    json,
    help,
    watch,
    inspect,
    declarationFile: values.declaration,
    stage: values.stage,
    standIn: !values['no-stand-in'],
    /** Whether the stand-in's nonce challenge leaves the client assertion unused. */
    challengeKeepsAssertion: values['challenge-keeps-assertion'],
    /** First ports of the gateways, and of the stand-ins. */
    ports: {
      gateway: readPort('--port', values.port),
      standIn: readPort('--stand-in-port', values['stand-in-port']),
    },
    /** Port of the page; `next` for the one after the gateways'. */
    page:
      values['page-port'] === undefined ? ('next' as const) : readPort('--page-port', values['page-port']),
    directory: resolve(values.directory),
    examples: values.examples,
  };
}

const FLAG = { type: 'boolean', default: false } as const;

const OPTIONS = {
  ...DECLARATION_OPTIONS,
  directory: { type: 'string', default: DEFAULT_DIRECTORY },
  examples: { type: 'string', default: DEFAULT_EXAMPLES },
  port: { type: 'string', default: '3000' },
  'stand-in-port': { type: 'string', default: '3443' },
  'page-port': { type: 'string' },
  'challenge-keeps-assertion': FLAG,
  'no-stand-in': FLAG,
  https: FLAG,
  fresh: FLAG,
  once: FLAG,
  watch: FLAG,
  json: FLAG,
  help: { ...FLAG, short: 'h' },
  inspect: { type: 'string' },
} as const;

function readPort(name: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535 - 100) return port;
  throw wrong(`${name} takes a port number, not ${JSON.stringify(text)}`);
}

function wrong(what: string, cause?: unknown): ZonesError {
  return new ZonesError('local_failed', `${what}. See npm start -- --help.`, { cause });
}
