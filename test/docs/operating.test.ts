import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KEY_STATES } from '@helseid-zones/protocol/record';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../functions/authorizer/challenge.ts';
import { ALARMS, KEY_ALARMS } from '../../infra/alarm-kinds.ts';
import { SHIPPED } from '../shipped.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/operating.md'), 'utf8');

/** Whether a file is of a function of somebody's own, which logs what it likes. */
const isOfAnother = (file: string) => {
  const [room, folder = ''] = file.split(sep);
  return room === 'functions' && !SHIPPED.includes(folder);
};

/** Sources below a room, by path. */
function readSources(room: string): [file: string, text: string][] {
  return readdirSync(join(root, room), { recursive: true })
    .map((file) => join(room, String(file)))
    .filter((file) => file.endsWith('.ts') && !isOfAnother(file))
    .map((file) => [file, readFileSync(join(root, file), 'utf8')]);
}

/** Where a line is written: the audit's first argument (a declaration names its type there), or the second of login's log. */
const WRITES =
  /\baudit\(\s*(?!\w+: )(?<audit>(?:[^,()]|\([^()]*\))+),|(?:deps\.|[^.\w])log\([^,]+,\s*(?<log>[^,]+),/gs;

/** The codes that a source writes. Throws where a code can't be read off: then it must be written so that it can. */
function findCodes(file: string, text: string): string[] {
  return [...text.matchAll(WRITES)].flatMap(({ groups = {}, 0: call }) => {
    const said = groups['audit'] ?? groups['log'] ?? '';
    const codes = [...said.matchAll(/'([\w.]+)'/g)].map(([, code = '']) => code);
    if (said === '`KEY_${key.state.toUpperCase()}`')
      return KEY_STATES.map((state) => `KEY_${state.toUpperCase()}`);
    if (codes.length === 0) throw new Error(`${file}: no literal code in ${call}`);
    return codes;
  });
}

/** What stands in backticks in the first column of a chapter's tables whose head is `Code`. */
function documented(chapter: string, head = 'Code'): string[] {
  const text = new RegExp(`^## ${chapter}$(.*?)(?=^## |(?![\\s\\S]))`, 'ms').exec(page)?.[1] ?? '';
  const tables = text.split('\n\n').filter((block) => block.startsWith(`| ${head} |`));
  return tables
    .flatMap((block) => block.split('\n').slice(2))
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code));
}

const sorted = (codes: Iterable<string>) => [...new Set(codes)].sort();

describe('docs/operating.md', () => {
  const functions = [...readSources('functions'), ...readSources('client')];

  it('has every code that a function writes to its log, once, and no other', () => {
    const written = functions.flatMap(([file, text]) => findCodes(file, text));
    expect(written.length).toBeGreaterThan(30);
    expect(sorted(written)).toEqual([...documented('Lines')].sort());
  });

  it('would miss a code that is not written literally', () => {
    expect(() => findCodes('a.ts', 'audit(code, facts);')).toThrow(/no literal code/);
    const text = "audit(ours ? 'a.b' : 'c', {});\ndeps.log(level, 'd', {})";
    expect(findCodes('a.ts', text)).toEqual(['a.b', 'c', 'd']);
  });

  it('has lines written by nothing else', () => {
    // What is wired once, under the names that are looked for above.
    const wired = ['client/log.ts', 'functions/login-common/dependencies.ts'];
    const others = functions.filter(
      ([file, text]) => !wired.includes(file) && /\blog\.write\(|console\.|process\.stdout/.test(text),
    );
    expect(others.map(([file]) => file)).toEqual([]);
  });

  it('has every code of an error, in a line or of a command, once, and no other', () => {
    const sources = ['functions', 'client', 'protocol', 'infra', 'local'].flatMap(readSources);
    const [declaring, others] = [true, false].map((is) =>
      sources.filter(([file]) => is === file.endsWith('/errors.ts')).map(([, text]) => text),
    );
    const known = (declaring ?? [])
      .flatMap((text) => [...text.matchAll(/interface ErrorFacts \{(.*?)^ *\}$/gms)])
      .flatMap(([, codes = '']) => [...codes.matchAll(/^ +(\w+): /gm)].map(([, code = '']) => code));
    const thrown = known.filter((code) => others?.some((text) => text.includes(`'${code}'`)));
    expect(known.length).toBeGreaterThan(40);
    expect([...documented('Reasons')].sort()).toEqual([...thrown].sort());
  });

  it('has every alarm, once, and no other; those on keys are in keys.md', () => {
    expect([...documented('Alarms', 'Alarm')].sort()).toEqual(Object.keys(ALARMS).sort());
    const keys = readFileSync(join(root, 'docs/keys.md'), 'utf8').split('| Alarm | Means | Do |')[1] ?? '';
    const rows = (keys.split('\n\n')[0] ?? '').split('\n').slice(2);
    expect(rows.map((row) => row.split('|')[1]?.trim()).sort()).toEqual(Object.keys(KEY_ALARMS).sort());
  });

  it('has every check of the authorizer, once, and no other', () => {
    expect([...documented('Lines', '`check`')].sort()).toEqual(sorted(Object.keys(CHECKS)));
  });
});
