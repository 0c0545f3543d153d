import type { LoginConfig } from '@helseid-zones/protocol/config';
import { loginRoutes } from '@helseid-zones/protocol/login-routes';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import fc from 'fast-check';
import { character } from '../../any-text.ts';
import { CANARIES } from '../../canaries.ts';
import { ISSUER } from '../../client/make-client.ts';
import { seldom } from '../../fuzz/hostile.ts';
import { GATEWAY } from './make-login.ts';

const words = (text: string) => fc.constantFrom(...text.split(' '));

/** As long as one of a session. */
const ID = CANARIES.sessionId;

/** Texts that have broken something somewhere. */
const nasty: fc.Arbitrary<string> = fc.oneof(
  words(
    'null undefined __proto__ constructor toString % %00 %2e%2e%2f ../../etc/passwd //evil.test <script>alert(1)</script> ${jndi:ldap://evil.test} 1e309 -1 https://evil.test the-code login',
  ),
  fc.constantFrom(
    '',
    '\u0000',
    '\r\nset-cookie: a=b',
    '\ud800',
    "' OR 1=1 --",
    'ø'.repeat(300),
    'a'.repeat(9000),
    ISSUER,
    GATEWAY,
    ID,
    ...Object.values(CANARIES),
  ),
);
/** What a parameter may hold. */
export const text = fc.oneof(
  nasty,
  fc.string({ maxLength: 40 }),
  fc.string({ unit: character, maxLength: 20 }),
);
/** Names of parameters. */
export const names = fc.oneof(
  words('code state iss error response continued return prompt max_age again parent child logout_token id'),
  text,
);
const cookie = fc
  .array(
    fc.tuple(
      fc.constantFrom('__Host-session', '__Host-logout', '__Host-login-x', '__proto__', 'a', ''),
      fc.oneof(fc.constant(ID), text),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join('; '));
const headerNames = words(
  'accept Accept-Language content-type Cookie cookie origin Sec-Fetch-Site Sec-Fetch-Dest x-csrf connection authorization dpop x-source __proto__ constructor',
);
const headerValue = fc.oneof(
  words(
    'text/html application/json application/x-www-form-urlencoded same-origin document cross-site https://journal.test en;q=0.1',
  ),
  cookie,
  text,
);
const body = fc.oneof(
  fc.constant(null),
  text,
  fc.json(),
  fc.constantFrom(
    '{"organization":{"child":"994598759"}}',
    '{"organization":null}',
    '{"__proto__":{"organization":{}}}',
    'logout_token=a.b.c',
    'logout_token=eyJhbGciOiJub25lIn0.e30.',
    '[[[[',
  ),
);
const lists = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string>) =>
  fc.option(fc.dictionary(name, fc.array(value, { minLength: 0, maxLength: 3 }), { maxKeys: 6 }));
const single = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string>) =>
  fc.option(fc.dictionary(name, fc.option(value, { nil: undefined }), { maxKeys: 6 }));

/** A request at the gateway's edge for one function of a login: its routes mostly, anything else in it. */
export function eventsFor(login: LoginConfig, name: string): fc.Arbitrary<APIGatewayProxyEvent> {
  const routes = loginRoutes(login).filter((route) => route.function === name);
  return fc
    .record({
      route: fc.constantFrom(...routes),
      strange: seldom(fc.record({ httpMethod: text, resource: text }), 8),
      headers: single(headerNames, headerValue),
      multiValueHeaders: lists(headerNames, headerValue),
      queryStringParameters: single(names, text),
      multiValueQueryStringParameters: lists(names, text),
      pathParameters: single(names, text),
      body,
      isBase64Encoded: fc.boolean(),
      requestContext: fc.constantFrom<unknown>({ requestId: 'r' }, {}, null, undefined),
    })
    .map(
      ({ route, strange, ...rest }) =>
        ({
          httpMethod: strange?.httpMethod ?? route.method,
          resource: strange?.resource ?? route.path,
          path: route.path,
          stageVariables: null,
          ...rest,
        }) as APIGatewayProxyEvent,
    );
}
