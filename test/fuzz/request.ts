import type { GatewayMethod } from '../../local/aws/template/gateways.ts';
import type { Random } from './random.ts';
import { HEADERS, METHODS, NASTY, PARAMETERS, VALUES } from './words.ts';

/** A request before it is bytes. Texts are latin1: one byte a character. */
export interface RawRequest {
  method: string;
  target: string;
  headers: [string, string][];
  body: string;
  /** Signed with SigV4 as the operator before the last changes. */
  signed: boolean;
}

/** What requests are made around. */
export interface Ground {
  /** `host:port` of the gateway. */
  host: string;
  /** Origin of the gateway as its functions know it. */
  origin: string;
  /** Cookie headers of browsers that are logged in, or have begun to. */
  cookies: readonly string[];
  /** What the logins have that nothing may show: names and texts. */
  secrets: readonly (readonly [name: string, secret: string | undefined])[];
}

/** A request at the route or beside it, good in most parts and odd in some. */
export function makeRequest(random: Random, ground: Ground, route: GatewayMethod): RawRequest {
  const method = random.often(0.85) ? route.httpMethod : random.pick(METHODS);
  const path = random.often(0.85)
    ? route.resourcePath.replaceAll(/\{[^}]+\}/g, () => segment(random))
    : oddPath(random, route.resourcePath);
  const target = path + query(random);
  const body = makeBody(random, method);
  const headers = makeHeaders(random, ground, body);
  const signed = route.authorization.type === 'AWS_IAM' && random.often(0.6);
  return { method, target, headers, body, signed };
}

function segment(random: Random): string {
  return random.often(0.6) ? String(random.below(100)) : escapeSpaces(text(random));
}

function oddPath(random: Random, path: string): string {
  const parts = path.split('/');
  const ways: readonly (() => string)[] = [
    () => `/${escapeSpaces(text(random))}`,
    () => parts.map((part) => (random.often(0.5) ? part : escapeSpaces(text(random)))).join('/'),
    () => `${path}/`,
    () => `/${path}`,
    () => `http://evil.test${path}`,
    () => path.toUpperCase(),
    () => path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
    () => `${path}/${escapeSpaces(text(random))}`,
    () => `/live${path}`,
    () => '*',
    () => text(random),
    () => `/${'a/'.repeat(random.below(2000))}`,
  ];
  return random.pick(ways)();
}

function query(random: Random): string {
  if (random.often(0.3)) return '';
  const pairs = random.some(
    6,
    () => `${random.pick(PARAMETERS)}${random.pick(['=', '=', '=', ''])}${escapeSpaces(text(random))}`,
  );
  return `?${pairs.join(random.pick(['&', '&', ';', '?']))}`;
}

function makeBody(random: Random, method: string): string {
  if (random.often(method === 'GET' ? 0.95 : 0.2)) return '';
  const form = () => random.some(5, () => `${random.pick(PARAMETERS)}=${text(random)}`).join('&');
  return random.pick([
    form,
    form,
    () => text(random),
    () => JSON.stringify({ organization: { child: text(random) } }),
    () => `{"organization":${'['.repeat(random.below(3000))}`,
    () => bytes(random, 2000),
    () => 'x'.repeat(random.below(100_000)),
  ])();
}

function makeHeaders(random: Random, { host, origin, cookies }: Ground, body: string): [string, string][] {
  const headers: [string, string][] = [];
  const add = (share: number, name: string, value: () => string) => {
    if (random.often(share)) headers.push([name, value()]);
  };
  add(0.98, 'Host', () => host);
  add(0.5, 'Accept', () => random.pick(['text/html', 'application/json', '*/*']));
  add(0.6, 'Sec-Fetch-Site', () =>
    random.pick(['same-origin', 'same-origin', 'none', 'cross-site', text(random)]),
  );
  add(0.4, 'Origin', () => random.pick([origin, 'null', 'https://evil.test', text(random)]));
  add(0.3, 'Cookie', () => random.pick([...cookies, `__Host-session=${text(random)}`, text(random)]));
  add(0.1, 'X-CSRF', () => '1');
  if (body !== '' || random.often(0.1)) {
    add(0.97, 'Content-Length', () => String(random.often(0.97) ? body.length : random.below(200)));
    add(0.8, 'Content-Type', () =>
      random.pick(['application/x-www-form-urlencoded', 'application/json', text(random)]),
    );
  }
  headers.push(...random.some(3, (): [string, string] => oddHeader(random)));
  if (random.often(0.01)) headers.push(['X-Long', 'a'.repeat(random.below(40_000))]);
  if (random.often(0.01))
    headers.push(...Array.from({ length: 150 }, (_, index): [string, string] => [`X-${index}`, 'a']));
  return headers;
}

function oddHeader(random: Random): [string, string] {
  const name = random.often(0.95) ? random.pick(HEADERS) : text(random);
  const value = random.often(0.5) ? random.pick(VALUES) : text(random);
  return [random.often(0.2) ? name.toLowerCase() : name, value];
}

function text(random: Random): string {
  return random.often(0.7) ? random.pick(NASTY) : bytes(random, 30);
}

function bytes(random: Random, most: number): string {
  return String.fromCharCode(...random.some(most, () => random.below(256)));
}

/** Most targets stay one word, so that the request line holds; some do not. */
function escapeSpaces(value: string): string {
  return value.replaceAll(
    /[\0-\x20\x7f-\xff]/g,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
