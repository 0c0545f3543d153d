/** The languages of the pages for people. */
export type Language = 'nb' | 'en';

const KNOWN: ReadonlyMap<string, Language> = new Map([
  ['nb', 'nb'],
  ['nn', 'nb'],
  ['no', 'nb'],
  ['en', 'en'],
]);

/** The language a person prefers, from `Accept-Language` (RFC 9110 12.5.4). Norwegian where nothing known is asked for. */
export function chooseLanguage(header: string | undefined): Language {
  const wanted = (header ?? '')
    .slice(0, 500)
    .split(',')
    .flatMap((range, position) => {
      const [tag = '', ...parameters] = range.trim().toLowerCase().split(';');
      const language = KNOWN.get(tag.trim().split('-')[0] ?? '');
      const weight = parameters.map((text) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(text)?.[1]).find(Boolean);
      const quality = weight === undefined ? 1 : Number(weight);
      return language && quality > 0 ? [{ language, quality, position }] : [];
    });
  wanted.sort((a, b) => b.quality - a.quality || a.position - b.position);
  return wanted[0]?.language ?? 'nb';
}
