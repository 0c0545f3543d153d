import {
  appendFileSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Instrumenter, type Mutant as Mutation } from '@stryker-mutator/instrumenter';

/** One place that is changed in one way. */
export interface Mutant {
  id: string;
  file: string;
  /** From 1. */
  line: number;
  original: string;
  replacement: string;
  /** Why it does not count. */
  ignored?: 'comment' | 'prose';
}

const NOT_COPIED = new Set(['node_modules', '.git', '.local', '.build', 'cdk.out', 'dist']);

/** Text for people: two words. What a message says decides nothing; its code and its field do. */
const PROSE = /^['"`].*[a-z,;.:'] [a-z]/is;

/** What a module remembers from one call to the next: a turn must not be given what was found out with another mutant. */
const MEMORY = /^const (\w+) = new Map<.*>\(\);$/gm;
const REMEMBER = '((globalThis.__stryker__ ??= {}).memories ??= [])';

const no = () => false;
const QUIET = { debug: no, info: no, warn: no, isDebugEnabled: no };

/**
 * Copies the repository (the working directory) under a temporary folder. What is installed is linked to; the workspaces are linked
 * to the copy, so that what runs there is what is mutated there. Resolves to the folder and the mutants of `files`.
 */
export async function makeSandbox(files: readonly string[]): Promise<{ folder: string; mutants: Mutant[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'zones-mutation-'));
  cpSync('.', folder, { recursive: true, filter: (from) => !NOT_COPIED.has(basename(from)) });
  mkdirSync(join(folder, 'node_modules/@helseid-zones'), { recursive: true });
  for (const name of readdirSync('node_modules').filter((each) => !/^@helseid-zones$|^\.vite/.test(each)))
    symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name));
  for (const room of readdirSync('node_modules/@helseid-zones'))
    symlinkSync(join(folder, room), join(folder, 'node_modules/@helseid-zones', room));

  const sources = files.map((name) => ({ name, content: readFileSync(name, 'utf8'), mutate: true as const }));
  const options = { plugins: null, excludedMutations: [], ignorers: [] };
  const instrumented = await new Instrumenter(QUIET).instrument(sources, options);
  for (const { name, content } of instrumented.files) writeFileSync(join(folder, name), content);
  for (const name of globSync('{protocol,client,functions,infra}/**/*.ts', { cwd: folder })) {
    const text = readFileSync(join(folder, name), 'utf8');
    const memories = [...text.matchAll(MEMORY)].map(([, memory]) => memory);
    if (memories.length > 0) appendFileSync(join(folder, name), `\n${REMEMBER}.push(${memories.join()});\n`);
  }
  const texts = new Map(sources.map(({ name, content }) => [name, content]));
  return {
    folder,
    mutants: instrumented.mutants.map((each) => describe(each, texts.get(each.fileName) ?? '')),
  };
}

function describe(
  { id, fileName, location, replacement, mutatorName, status }: Mutation,
  text: string,
): Mutant {
  const { start, end } = location;
  const lines = text.split('\n').slice(start.line, end.line + 1);
  const whole = lines.join('\n');
  const original = whole.slice(start.column, whole.length - (lines.at(-1) ?? '').length + end.column);
  const prose = mutatorName === 'StringLiteral' && PROSE.test(original);
  const ignored = status === 'Ignored' ? 'comment' : prose ? 'prose' : undefined;
  return { id, file: fileName, line: start.line + 1, original, replacement, ...(ignored && { ignored }) };
}
