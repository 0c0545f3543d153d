import { inspect } from 'node:util';
import { describeNetworkFailure } from '@helseid-zones/client/errors';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { awsErrorName } from '../functions/common/aws-error.ts';

process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  // Whoever reads the output may stop reading.
  if (cause.code === 'EPIPE') return;
  const message = `The output can't be written (${cause.code}): make room where it goes, and run this again.`;
  printError(new ZonesError('local_failed', message, { cause }));
  process.exit(1);
});

/**
 * What a terminal or a page acts on or hides instead of showing: control, format and separator characters, halves of surrogate
 * pairs, and noncharacters, which no XML may have.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Noncharacter_Code_Point}]/gu;

/**
 * `text` with each character that a terminal would act on (escape sequences, new lines, changes of direction) written as JSON
 * writes it, `\u001b`. So a name in a template can neither clear a finding off the screen nor add a line that looks like ours.
 */
export function escapeControls(text: string): string {
  const write = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replaceAll(UNSEEN, (character) => character.split('').map(write).join(''));
}

/**
 * `text` for elements and quoted attributes of XML and HTML: the characters of markup as entities, and what XML may not have or
 * what would turn the text round as {@link escapeControls} writes it.
 */
export const escapeXml = (text: string): string =>
  escapeControls(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** {@link escapeControls} of every string in a JSON value, but for the names of members. */
export function escapeStrings<T>(value: T): T {
  if (typeof value === 'string') return escapeControls(value) as T;
  if (Array.isArray(value)) return value.map(escapeStrings) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, escapeStrings(of)])) as T;
}

/** How often something was printed, and whether a command waits for somebody from now on: for progress.ts, which looks on from another thread. */
export const printed = new Int32Array(new SharedArrayBuffer(8));

/** Ends progress.ts: what is waited for now is no work. */
export function endProgress(): void {
  printed[1] = 1;
}

function put(stream: NodeJS.WriteStream, text: string): void {
  Atomics.add(printed, 0, 1);
  stream.write(`${text.split('\n').map(escapeControls).join('\n')}\n`);
}

/** Writes lines to stdout, of which only the line breaks are kept: JSON stays the same JSON. What commands print goes through here. */
export function print(text: string): void {
  put(process.stdout, text);
}

/**
 * The same to stderr: a text, or an error: one of ours, or of AWS, by its code and its message, another that tells of what was asked by its
 * message, any other with its stack.
 */
export function printError(error: unknown): void {
  put(process.stderr, typeof error === 'string' ? error : describe(error));
}

function describe(error: unknown): string {
  const { network, network_code = '' } = describeNetworkFailure(error);
  const code = isZonesError(error) ? error.code : awsErrorName(error);
  // What AWS's SDK tried has metadata; the message of our own caller is about a zone's endpoint and security groups.
  if (code === 'aws_unavailable' || (network && '$metadata' in Object(error)))
    return `aws_unavailable: AWS does not answer${network ? ` (${network}: ${network_code})` : ''}. Is the network there, and the local system, if it is meant, still running?`;
  if (code !== '') return `${code}: ${(error as Error).message}`;
  // Those of `parseArgs`, and of files and ports that somebody named.
  const known =
    (error instanceof TypeError && 'code' in error) || (error instanceof Error && 'syscall' in error);
  return known ? error.message : inspect(error);
}

/** Runs a command: it resolves to the exit status, which is `failed` where it throws; then the error is printed. Asked for help it prints `usage` instead. */
export async function runCommand(
  main: (args: string[]) => Promise<number>,
  { usage, failed = 1 }: { usage?: string; failed?: number } = {},
): Promise<void> {
  const args = process.argv.slice(2);
  try {
    if (usage !== undefined && (args.includes('--help') || args.includes('-h'))) print(usage);
    else process.exitCode = await main(args);
  } catch (error) {
    printError(error);
    process.exitCode = failed;
  }
}

/** Between columns. */
const GAP = 2;

/**
 * Rows of cells as lines of aligned columns that fit `width`; a cell that does not fit its column goes on below. The first row is
 * the head. Cells may hold anything: {@link escapeControls}.
 */
export function table(cells: readonly (readonly string[])[], width: number): string {
  const rows = escapeStrings(cells);
  const widths = shareRoom(rows, width);
  return rows
    .flatMap((row) => {
      const parts = row.map((cell, column) => wrap(cell, widths[column] ?? 0));
      const height = Math.max(...parts.map((lines) => lines.length));
      return Array.from({ length: height }, (_, line) =>
        `  ${parts.map((lines, column) => (lines[line] ?? '').padEnd(widths[column] ?? 0)).join(' '.repeat(GAP))}`.trimEnd(),
      );
    })
    .join('\n');
}

/** Column widths: what each needs, and where that is too much, the widest give way. */
function shareRoom(rows: readonly (readonly string[])[], width: number): number[] {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const room = Math.max(width - 2 - GAP * (columns - 1), columns * 12);
  while (widths.reduce((sum, one) => sum + one, 0) > room) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/** `text` in lines of at most `width`, broken at blanks where it has any. */
function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.flatMap((line) => line.match(new RegExp(`.{1,${Math.max(width, 1)}}`, 'g')) ?? ['']);
}
