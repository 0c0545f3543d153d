import en from './texts.en.json' with { type: 'json' };
import nb from './texts.nb.json' with { type: 'json' };

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

/** A page's words: a heading, what happened and what to do. */
export interface Text {
  title: string;
  text: string;
}

/** Pages that exist in every language. */
export type PageName = keyof typeof nb.pages;

/** Every page in Norwegian bokmål and English: `texts.nb.json`, `texts.en.json`. */
export const TEXTS: Readonly<Record<Language, Readonly<Record<PageName, Text>>>> = {
  nb: nb.pages,
  en: en.pages,
};

/** The words of links, buttons and what a person may quote. */
export const LABELS: Readonly<Record<Language, typeof nb.labels>> = { nb: nb.labels, en: en.labels };
