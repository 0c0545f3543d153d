import { type KeyObject, randomUUID } from 'node:crypto';
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

/**
 * What a secret is found by, whatever stands before and behind it: as it is, in hex, in base64 and base64url at each of three
 * offsets, and its bytes one by one, as JSON and `inspect` show a `Buffer`.
 */
function formsOf(secret: string | Uint8Array): string[] {
  const itself = Buffer.from(secret as string);
  const hex = itself.toString('hex');
  const encoded = [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), itself]);
    // Characters that hold bits of what stands before or behind are left out.
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6)];
    return (['base64', 'base64url'] as const).map((form) => bytes.toString(form).slice(from, to));
  });
  const single = [itself.join(','), hex.replaceAll(/(..)(?!$)/g, '$1 ')];
  return [...new Set([itself.toString('latin1'), hex, hex.toUpperCase(), ...encoded, ...single])];
}

/** Of each name the last so many that were planted: tests make thousands of sessions. */
const KEPT = 8;

const planted = new Map<string, string[][]>(
  Object.entries(CANARIES).map(([name, secret]) => [name, [formsOf(secret)]]),
);

/** Has a secret that was made up at run time found as well, under a name; `secret` comes back. */
export function plant<T extends string | Uint8Array>(name: string, secret: T): T {
  // What is found everywhere would be found nowhere.
  if (secret.length < 8) throw new RangeError(`${name}: nothing so short can be looked for`);
  const known = planted.get(`${name} made here`) ?? [];
  const forms = formsOf(secret);
  if (!known.some(([itself]) => itself === forms[0]))
    planted.set(`${name} made here`, [...known.slice(1 - KEPT), forms]);
  return secret;
}

/** Has a private key found by the bytes of its secret number, which every form of it holds: JWK, PEM, DER; the key comes back. */
export function plantKey(name: string, key: KeyObject): KeyObject {
  plant(name, Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'));
  return key;
}

/** Any JWS in compact form is a token, an assertion or a proof. */
const JWS = /eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{40,}/;

/** The lines that PEM and MIME break base64 into, at the end of one as it is or as JSON and `inspect` write it. */
const BROKEN_LINE = /(?<=[\w+/-]{40})(?:\\+[rn]|\s)+(?=[\w+/-])/g;

/**
 * The name of a secret that a value shows; undefined where it shows none. Of anything but a text it is looked at what a log could
 * print: of errors message, stack, facts and causes, of objects all members, of bytes all.
 */
export function findLeak(value: unknown): string | undefined {
  const text = [
    typeof value === 'string'
      ? value
      : inspect(value, {
          depth: 12,
          breakLength: Number.POSITIVE_INFINITY,
          maxStringLength: null,
          maxArrayLength: null,
        }),
    ...bytesIn(value),
  ]
    .join('\n')
    .replaceAll(BROKEN_LINE, '');
  for (const [name, secrets] of planted)
    if (secrets.some((forms) => forms.some((form) => text.includes(form)))) return name;
  return JWS.test(text) ? 'JWS' : undefined;
}

/** The bytes in a value, one a character: `inspect` shows the first fifty alone. */
function bytesIn(value: unknown, seen = new Set<unknown>()): string[] {
  if (typeof value !== 'object' || value === null || seen.has(value)) return [];
  seen.add(value);
  if (ArrayBuffer.isView(value))
    return [Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')];
  if (value instanceof ArrayBuffer) return [Buffer.from(value).toString('latin1')];
  const members = value instanceof Map || value instanceof Set ? [...value].flat() : Object.values(value);
  const hidden = value instanceof Error ? [value.cause] : [];
  return [...members, ...hidden].flatMap((each) => bytesIn(each, seen));
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
