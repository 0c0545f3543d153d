import type { JsonObject } from '../proof/assembly/json.ts';

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** What elements of lists, and of lists of keys with values, are called. */
const LISTED = ['member', 'item', 'entry'];

/** Tags (with `/` before or after the name) and what stands between them. */
const TOKENS = /<(\/?)([\w:.-]+)[^>]*?(\/?)>|([^<]+)/g;

/**
 * What AWS's query protocol answers, as the JSON that its other protocols would give: an element with elements is an object, one
 * whose elements are all {@link LISTED} a list, any other its text. Attributes, comments and CDATA, which AWS does not
 * write, are not read. Without an element it is empty.
 */
export function parseXml(text: string): JsonObject {
  const open: Element[] = [{ name: '', children: [], text: '' }];
  for (const [, closing, name = '', selfClosing, content] of text
    .replace(/<\?.*?\?>/s, '')
    .matchAll(TOKENS)) {
    const parent = open.at(-1);
    if (parent === undefined) break;
    if (content !== undefined) parent.text += content;
    else if (closing) open.pop();
    else {
      const element = { name, children: [], text: '' };
      parent.children.push(element);
      if (!selfClosing) open.push(element);
    }
  }
  const [root] = open[0]?.children ?? [];
  const value = root === undefined ? {} : jsonOf(root);
  return typeof value === 'object' ? (value as JsonObject) : {};
}

type Element = { name: string; children: Element[]; text: string };

function jsonOf({ children, text }: Element): unknown {
  if (children.length === 0) return decode(text);
  if (children.every(({ name }) => LISTED.includes(name))) return children.map(jsonOf);
  return Object.fromEntries(children.map((child) => [child.name, jsonOf(child)]));
}

function decode(text: string): string {
  return text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (all, hex, decimal, name) =>
    hex || decimal
      ? String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal))
      : (ENTITIES[name] ?? all),
  );
}
