/** Width of a character of the monospaced face, in parts of its size. Nearly every such face has it. */
const MONO = 0.602;

/** Width on average of a character of the interface's face. On the generous side, since nobody knows which face it will be. */
const SANS = 0.53;

/** Sizes of the three kinds of text, in units of the drawing. */
export const SIZES = { label: 12, note: 11, title: 15 } as const;

/** How a line of text is set: `label` monospaced, `note` and `title` not. */
export type TextStyle = keyof typeof SIZES;

/** Width that `text` takes, in units of the drawing. */
export function textWidth(text: string, style: TextStyle): number {
  return Math.ceil(text.length * SIZES[style] * (style === 'label' ? MONO : SANS));
}

/**
 * Breaks `text` into lines that fit `width`, at blanks if it has any there, else after `/`, `.`, `,` or before `-`, else
 * anywhere but within a character.
 */
export function wrap(text: string, style: TextStyle, width: number): string[] {
  const room = Math.max(4, Math.floor(width / (SIZES[style] * (style === 'label' ? MONO : SANS))));
  const lines: string[] = [];
  let rest = text;
  while (rest.length > room) {
    const at = breakAt(rest, room);
    lines.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).trimStart();
  }
  return rest === '' && lines.length > 0 ? lines : [...lines, rest];
}

function breakAt(text: string, room: number): number {
  const head = text.slice(0, room + 1);
  const blank = head.lastIndexOf(' ');
  if (blank > 0) return blank;
  for (let at = room; at > 1; at--)
    if ('/.,'.includes(text.charAt(at - 1)) || text.charAt(at) === '-') return at;
  return /[\uDC00-\uDFFF]/.test(text.charAt(room)) ? room - 1 : room;
}
