import { readFileSync } from 'node:fs';
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
