/** A form as a browser would send it. */
interface Form {
  /** As it stands in the page; empty for the page's own address. */
  action: string;
  /** Hidden fields. */
  fields: Readonly<Record<string, string>>;
}

/** The first form of a page. Reads the pages of the local system, not HTML in general. */
export function readForm(html: string): Form | undefined {
  const [, opening, inside] = /<form\b([^>]*)>(.*?)<\/form>/s.exec(html) ?? [];
  if (opening === undefined || inside === undefined) return undefined;
  const hidden = [...inside.matchAll(/<input\b([^>]*)>/g)]
    .map(([, tag = '']) => tag)
    .filter((tag) => attribute(tag, 'type') === 'hidden')
    .map((tag) => [attribute(tag, 'name') ?? '', attribute(tag, 'value') ?? '']);
  return { action: attribute(opening, 'action') ?? '', fields: Object.fromEntries(hidden) };
}

/** Where a page goes on to by itself (`meta refresh`). */
export function readRefresh(html: string): string | undefined {
  const target = /<meta http-equiv="refresh" content="\d+;\s*url=([^"]+)"/.exec(html)?.[1];
  return target === undefined ? undefined : unescapeHtml(target);
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? undefined : unescapeHtml(value);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };

function unescapeHtml(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (whole, code: string | undefined, name: string) =>
    code === undefined ? (ENTITIES[name] ?? whole) : String.fromCodePoint(Number(code)),
  );
}
