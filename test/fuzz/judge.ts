import type { RawAnswer } from './send.ts';
import { SMUGGLED } from './words.ts';

/** What no answer to a stranger says: code and folders, secrets, how the machine is made. */
const LEAKS: readonly (readonly [string, RegExp])[] = [
  ['a stack trace', /\n?\s+at [\w.<>[\] ]+ ?\(?(file:|node:|\/)|"(stack|trace|errorType)":/],
  [
    'a path of the code',
    /node_modules|file:\/\/|\/(functions|local|client)\/[\w/-]+\.(ts|mjs|js)|index\.mjs|\.build\b/,
  ],
  ['a token', /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}/],
  ['credentials', /\b(ASIA|AKIA)[A-Z2-7]{16}\b|-----BEGIN|"d":"/],
  ['a name of a variable', /AWS_(SECRET|SESSION|LAMBDA)|SESSION_TABLE|GATEWAY_URL/],
  [
    'an error of the language',
    /TypeError|ReferenceError|SyntaxError|RangeError|ECONN|ENOENT|undefined is not/,
  ],
];

/** What is wrong with an answer; nothing where nothing is. `secrets` are texts that must not be in it. */
export function judge({ status, head, body }: RawAnswer, secrets: readonly string[]): string | undefined {
  if (status >= 500) return `status ${status}`;
  if (status >= 400 && /\r\nset-cookie:/.test(head)) return `a cookie with ${status}`;
  if (head.includes(`\r\n${SMUGGLED}`)) return 'a header out of the request';
  if (/\r\nserver:|\r\nx-powered-by:/.test(head)) return 'the name of a server';
  // Logout at the issuer is begun with the ID token in the URL (OpenID Connect RP-Initiated Logout 1.0).
  const said = status >= 400 ? `${head}\r\n${body}` : body.replace(/id_token_hint=[\w.-]+/, '');
  const leak = LEAKS.find(([, pattern]) => pattern.test(said))?.[0];
  if (leak !== undefined) return leak;
  if (secrets.some((secret) => said.includes(secret))) return 'a folder or a session of this system';
  // What Node refuses itself, before there is a request, has no body.
  const refusedUnread = body === '' && !head.includes('content-type');
  const formed = /\r\ncontent-type: (application\/problem\+json|text\/html)/.test(head);
  // An API's own answer, whatever its form, is passed on in a sandbox.
  const passedOn = /\r\ncontent-security-policy: [^\r]*; sandbox/.test(head);
  // The back channel's errors have a form of their own (OpenID Connect Back-Channel Logout 1.0, 2.8).
  if (status >= 400 && !refusedUnread && !formed && !passedOn && !body.startsWith('{"error":'))
    return `${status} that is neither problem+json nor a page`;
  return undefined;
}
