/** Between columns. */
const GAP = 2;

/** Rows of cells as lines of aligned columns that fit `width`; a cell that does not fit its column goes on below. The first row is the head. */
export function table(rows: readonly (readonly string[])[], width: number): string {
  const widths = shareRoom(rows, width);
  return rows
    .flatMap((row) => {
      const cells = row.map((cell, column) => wrap(cell, widths[column] ?? 0));
      const height = Math.max(...cells.map((lines) => lines.length));
      return Array.from({ length: height }, (_, line) =>
        `  ${cells.map((lines, column) => (lines[line] ?? '').padEnd(widths[column] ?? 0)).join(' '.repeat(GAP))}`.trimEnd(),
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
