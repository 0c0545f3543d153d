import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { required } from '@helseid-zones/protocol/values';

/** Pages that are followed from their beginning to their end, in a clone of their own. */
export const FOLLOWED = ['docs/tutorial.md', 'docs/how-to/system.md'];

/** What the page has its reader do, in order. */
export type Step = { file: string; text: string; below?: string } | { command: string; prints: string[] };

/** Reads a page of {@link FOLLOWED}: files by the first line of their code, or by the line before it, commands with the lines that they must print. */
export function readSteps(name: string): Step[] {
  const page = readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
  const steps: Step[] = [];
  for (const [, before = '', kind, code = ''] of page.matchAll(/([^\n]*)\n\n?```(\w+)\n(.*?)^```$/gms)) {
    const [, file, below] = /^\/\/ (\S+?)(?:, below: (.*))?\n/.exec(code) ?? [];
    const named = /`(\S+)`:$/.exec(before)?.[1];
    if (kind === 'ts' && below !== undefined)
      steps.push({ file: required(file, code), below, text: code.replace(/.*\n/, '') });
    else if (kind === 'ts') steps.push({ file: required(file, code), text: code });
    else if (kind === 'json') steps.push({ file: required(named, code), text: code });
    else if (kind === 'sh') for (const command of lines(code)) steps.push({ command, prints: [] });
    else {
      const last = steps.at(-1);
      if (!last || !('command' in last)) throw new Error(`No command prints this: ${code}`);
      last.prints.push(...lines(code));
    }
  }
  return steps;
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

/** Writes a file of the page into a clone: whole, or below the one line that it names. */
export function writeStep(clone: string, { file, text, below }: Extract<Step, { file: string }>): void {
  const path = join(clone, file);
  if (below === undefined) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return;
  }
  const [before = '', after, ...more] = readFileSync(path, 'utf8').split(`${below}\n`);
  if (after === undefined || more.length > 0) throw new Error(`${file} has not one line ${below}`);
  writeFileSync(path, `${before}${below}\n${text}${after}`);
}
