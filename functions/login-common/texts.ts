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

/** The words of a link or button. */
interface Labels {
  goOn: string;
  logIn: string;
  reference: string;
}

/** Link and button words. */
export const LABELS: Readonly<Record<Language, Labels>> = {
  nb: { goOn: 'Gå videre', logIn: 'Logg inn', reference: 'Referanse' },
  en: { goOn: 'Go on', logIn: 'Log in', reference: 'Reference' },
};

const NB = {
  continuing: { title: 'Logger inn', text: 'Du blir sendt videre.' },
  loggedOut: { title: 'Du er logget ut', text: 'Du kan lukke vinduet, eller logge inn igjen.' },
  loggedOutForeign: {
    title: 'Utloggingen begynte ikke her',
    text: 'Ingenting er endret. Vil du logge ut, må du begynne på siden du er logget inn på.',
  },
  expired: {
    title: 'Innloggingen gjelder ikke lenger',
    text: 'Den tok for lang tid, er brukt før, eller begynte i en annen nettleser. Ingenting er endret. Begynn på nytt.',
  },
  declined: {
    title: 'Du ble ikke logget inn',
    text: 'Innloggingen ble avbrutt eller avvist. Ingenting er endret. Du kan prøve igjen.',
  },
  level: {
    title: 'Innloggingen er ikke sikker nok',
    text: 'Denne tjenesten krever et høyere sikkerhetsnivå. Logg inn på en sikrere måte, for eksempel med BankID eller Buypass.',
  },
  tooOld: {
    title: 'Innloggingen er for gammel',
    text: 'Denne tjenesten krever at du nettopp har logget inn, men du ble ikke spurt på nytt. Logg ut der du logger inn, og prøv igjen.',
  },
  person: {
    title: 'En annen person er logget inn',
    text: 'Logg ut før en annen person logger inn på denne maskinen.',
  },
  nothing: {
    title: 'Her er det ingenting',
    text: 'Adressen finnes ikke. Gå til siden du skulle bruke; er du logget inn, er du det fortsatt.',
  },
  notLoggedIn: { title: 'Du er ikke logget inn', text: 'Økten er slutt, eller du har ikke logget inn.' },
  badRequest: {
    title: 'Vi forsto ikke forespørselen',
    text: 'Ingenting er endret. Gå tilbake til siden du kom fra, og prøv derfra.',
  },
  failed: {
    title: 'Noe gikk galt',
    text: 'Feilen er ikke din. Prøv igjen; hjelper ikke det, oppgi referansen til den som drifter tjenesten.',
  },
  busy: { title: 'Innlogging er ikke mulig akkurat nå', text: 'Prøv igjen om et øyeblikk.' },
};

/** Pages that exist in every language. */
export type PageName = keyof typeof NB;

const EN: Readonly<Record<PageName, Text>> = {
  continuing: { title: 'Logging in', text: 'You are being sent on.' },
  loggedOut: { title: 'You are logged out', text: 'You can close this window, or log in again.' },
  loggedOutForeign: {
    title: 'This logout did not begin here',
    text: 'Nothing has changed. To log out, begin on the page where you are logged in.',
  },
  expired: {
    title: 'This login is no longer valid',
    text: 'It took too long, was used before, or began in another browser. Nothing has changed. Begin again.',
  },
  declined: {
    title: 'You were not logged in',
    text: 'The login was cancelled or refused. Nothing has changed. You can try again.',
  },
  level: {
    title: 'This login is not secure enough',
    text: 'This service demands a higher security level. Log in with a stronger means, such as BankID or Buypass.',
  },
  tooOld: {
    title: 'This login is too old',
    text: 'This service demands that you have just logged in, but you were not asked anew. Log out where you log in, and try again.',
  },
  person: {
    title: 'Another person is logged in',
    text: 'Log out before another person logs in on this machine.',
  },
  nothing: {
    title: 'There is nothing here',
    text: 'This address does not exist. Go to the page you meant to use; if you are logged in, you still are.',
  },
  notLoggedIn: {
    title: 'You are not logged in',
    text: 'The session has ended, or you have not logged in.',
  },
  badRequest: {
    title: 'We did not understand the request',
    text: 'Nothing has changed. Go back to the page you came from and try from there.',
  },
  failed: {
    title: 'Something went wrong',
    text: 'It is not your fault. Try again; if that does not help, give the reference to whoever runs this service.',
  },
  busy: { title: 'Logging in is not possible right now', text: 'Try again in a moment.' },
};

/** Every page in Norwegian bokmål and English. */
export const TEXTS: Readonly<Record<Language, Readonly<Record<PageName, Text>>>> = { nb: NB, en: EN };
