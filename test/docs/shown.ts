/** A test that a page names, in a table whose last column is "Shown by": `file`: title, with … for what differs. */
interface Shown {
  file: string;
  title: string;
  /** Whether the page says that `npm test` leaves it out. */
  night: boolean;
}

/** A row of such a table: its other cells, and its tests. */
export interface Row {
  cells: readonly string[];
  shown: readonly Shown[];
}

/** The rows of all such tables of a page. */
export function readRows(page: string): Row[] {
  const tables = page.split('\n\n').filter((part) => /^\|.* Shown by \|$/m.test(part));
  return tables.flatMap((table) =>
    table
      .trim()
      .split('\n')
      .slice(2)
      .map((line) => {
        const cells = line.slice(2, -2).split(' | ');
        return { cells: cells.slice(0, -1), shown: readTests(cells.at(-1) ?? '') };
      }),
  );
}

function readTests(cell: string): Shown[] {
  return (cell ? cell.split('<br>') : []).map((text) => {
    const [, file = '', title = text, night] = /^`(.+?)`: (.+?)( \*\(at night\)\*)?$/.exec(text) ?? [];
    return { file, title, night: night !== undefined };
  });
}

/** What a page says wrongly of tests: that their file has (any more), or that `npm test` runs or leaves out. */
export function wrongTests(shown: readonly Shown[], read: (file: string) => string): string[] {
  return shown.flatMap(({ file, title, night }) => {
    const text = file && read(file);
    const [, called, found = called] = testBy(title).exec(text) ?? [];
    if (found === undefined) return [`${file}: ${title} is not there`];
    return night === runsInFullOnly(text, found)
      ? []
      : [`${file}: ${title} runs at ${night ? 'day' : 'night'}`];
  });
}

/** A test by that title: the first argument of `it(`, `test(`, or of what `it.each(…)` and `test.each(…)` give; or the row of a table of cases, in brackets or by its name. */
function testBy(title: string): RegExp {
  const literal = title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '(?:…|%[sij#])');
  return new RegExp(
    `(?:(?:\\b(?:it|test)|\\))\\(|^\\s*\\[)\\s*('${literal}')|(?:^|\\{)\\s*('?${literal}'?): [({]`,
    'm',
  );
}

/** Whether a test, or the `describe` around it, is one that `npm test` leaves out. */
function runsInFullOnly(text: string, title: string): boolean {
  const before = text.slice(0, text.indexOf(title));
  const last = (pattern: RegExp) => before.slice([...before.matchAll(pattern)].at(-1)?.index ?? 0);
  const around = last(/^describe\b/gm);
  const closed = /^\}/m.test(around);
  return [last(/^ *(?:it|test)\b/gm), closed ? '' : (around.split('\n')[0] ?? '')].some((of) =>
    of.includes('runIf(FULL'),
  );
}
