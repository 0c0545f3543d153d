import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';

/**
 * Secrets that the doubles and tests plant wherever real ones come in: of a form that is taken there, and found nowhere else.
 * None is anybody's: the national identity number is a synthetic one (its month is above 80).
 */
export const CANARIES = {
  refreshToken: 'cnryRefreshToken-Hq3vT8xZ2mWk',
  accessToken: 'cnryAccessToken-Pf7dL1sY9bQe',
  assertion: 'cnryAssertion-Gu5cR0nJ6kXa',
  proof: 'cnryProof-Vi2tM8wE4zHo',
  code: 'cnryAuthorizationCode-Ny6pB3gS1fDj',
  sessionId: 'cnrySessionId-Wl9rK5uC7qTxOa2hE8vZ4mFs6dPbA',
  nationalIdentityNumber: '17895012348',
  /** A webhook's secret is `whsec_` and this in base64. */
  webhookKey: 'cnryWebhookKey-Zu3oL8vQ0eNt',
  privateKey: 'cnryPrivateKey-Xo4jW7yN2sGd',
  passphrase: 'cnryPassphrase-Ke1aD6iU9rMb',
} as const;

/** A canary with something after it, so that each is another. */
export function canary(name: keyof typeof CANARIES): string {
  return `${CANARIES[name]}${randomUUID()}`;
}

/** What a text is found by, whatever stands before and behind it: as it is, in hex, and in base64 and base64url at each of three offsets. */
function formsOf(secret: string): string[] {
  const hex = Buffer.from(secret).toString('hex');
  const encoded = [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.from(`${'x'.repeat(before)}${secret}`);
    // Characters that hold bits of what stands before or behind are left out.
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6)];
    return (['base64', 'base64url'] as const).map((form) => bytes.toString(form).slice(from, to));
  });
  return [...new Set([secret, hex, hex.toUpperCase(), ...encoded])];
}

/** Of each name the last so many that were planted: tests make thousands of sessions. */
const KEPT = 8;

const planted = new Map<string, string[][]>(
  Object.entries(CANARIES).map(([name, secret]) => [name, [formsOf(secret)]]),
);

/** Has a secret that was made up at run time found as well, under a name; `secret` comes back. */
export function plant(name: string, secret: string): string {
  const known = planted.get(`${name} made here`) ?? [];
  planted.set(`${name} made here`, [...known.slice(1 - KEPT), formsOf(secret)]);
  return secret;
}

/** Any JWS in compact form is a token, an assertion or a proof. */
const JWS = /eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{40,}/;

/**
 * The name of a secret that a value shows; undefined where it shows none. Of anything but a text it is looked at what a log could
 * print: of errors message, stack, facts and causes, of objects all members.
 */
export function findLeak(value: unknown): string | undefined {
  const text =
    typeof value === 'string'
      ? value
      : inspect(value, {
          ...{ depth: 12, breakLength: Number.POSITIVE_INFINITY },
          ...{ maxStringLength: null, maxArrayLength: null },
        });
  for (const [name, secrets] of planted)
    if (secrets.some((forms) => forms.some((form) => text.includes(form)))) return name;
  return JWS.test(text) ? 'JWS' : undefined;
}

const leaks: string[] = [];

/** Notes a leak in what a log, a metric, a trace or an error shows; `takeLeaks` has them after the test. The value comes back. */
export function watch<T>(value: T, where: string): T {
  const name = findLeak(value);
  if (name !== undefined) leaks.push(`${where} shows the ${name}`);
  return value;
}

/** The leaks since the last time. */
export function takeLeaks(): string[] {
  return leaks.splice(0);
}

let watching = false;

/** Watches what this process writes to standard output, as functions write logs and metrics. */
export function watchOutput(): void {
  if (watching) return;
  watching = true;
  const write = process.stdout.write.bind(process.stdout) as (...args: unknown[]) => boolean;
  process.stdout.write = (...args: unknown[]) => write(watch(args[0], 'standard output'), ...args.slice(1));
}
