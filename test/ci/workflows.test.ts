import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = '.github/workflows';
const files = [...readdirSync(folder).map((name) => join(folder, name)), 'examples/pipeline.yml'];
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));

/** What is wrong with a workflow: actions that somebody else can change under it, commands that are not there, rights of every job. */
function faults(text: string): string[] {
  const actions = [...text.matchAll(/uses: (\S+)(.*)/g)];
  const commands = [...text.matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(([, name = '']) => name);
  const programs = [...text.matchAll(/run: bash (\S+)/g)].map(([, path = '']) => path);
  return [
    ...actions.flatMap(([, action, version]) =>
      /@[0-9a-f]{40}$/.test(action ?? '') && / # v\d+\.\d+\.\d+$/.test(version ?? '') ? [] : [action],
    ),
    ...commands.filter((name) => !(name in scripts)),
    ...programs.filter((path) => !existsSync(path)),
    ...(/^permissions:\n {2}contents: read$/m.test(text) ? [] : ['permissions']),
  ].map(String);
}

describe('a workflow', () => {
  it.each(files)(
    '%s pins its actions, calls what is there, and may read alone where it says no more',
    (file) => {
      expect(faults(readFileSync(file, 'utf8'))).toEqual([]);
    },
  );

  it.each([
    ['permissions:\n  contents: read\nuses: actions/checkout@v7', 'actions/checkout@v7'],
    ['permissions:\n  contents: read\nrun: npm run nothing', 'nothing'],
    ['permissions:\n  contents: read\nrun: bash .ci/none', '.ci/none'],
    ['permissions: write-all', 'permissions'],
  ])('%j has a fault', (text, fault) => {
    expect(faults(text)).toEqual([fault]);
  });
});
