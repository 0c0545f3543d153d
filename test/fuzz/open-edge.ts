import { SignatureV4 } from '@smithy/signature-v4';
import { SESSION_COOKIE } from '../../functions/login-common/cookies.ts';
import type { Page } from '../../local/app/steps/browser.ts';
import { loginFacts, newVisitor } from '../../local/app/steps/log-in.ts';
import type { LocalSystem } from '../../local/app/system.ts';
import { createCredentialTable } from '../../local/aws/credentials.ts';
import { startGateway } from '../../local/aws/gateway/server.ts';
import type { GatewayMethod } from '../../local/aws/template/gateways.ts';
import { Sha256 } from '../fakes/aws.ts';
import type { Random } from './random.ts';
import type { Ground, RawRequest } from './request.ts';
import { writeRequest } from './send.ts';

/** The edge that requests are sent to. */
export interface Edge {
  port: number;
  /** Routes by the function behind them. */
  routes: readonly (readonly GatewayMethod[])[];
  /** New logins, finished and begun, for requests to use. */
  prepare(): Promise<Ground>;
  /** The request's bytes, signed where it is to be, and then perhaps changed. */
  write(request: RawRequest, random: Random): Promise<Buffer>;
  close(): Promise<void>;
}

/** The authorization codes that a browser brought back. */
export function codesOf(history: readonly Page[]) {
  const codes = history.flatMap(({ url }) => url.searchParams.get('code') ?? []);
  return codes.map((code) => ['code', code] as const);
}

/** A second gateway of the same API over the same functions, for operators of its own. */
export async function openEdge(system: LocalSystem): Promise<Edge> {
  const { aws, trail } = system;
  const facts = loginFacts(system);
  const api = aws.gateways.find(({ url }) => url === facts.gateway)?.api;
  if (api === undefined) throw new TypeError('the login has no gateway');
  const credentials = createCredentialTable();
  const { account, region } = aws;
  const arn = `arn:aws:iam::${account}:role/local-operator`;
  const operator = credentials.issue({ arn, account }, 'fuzz');
  const { authorize, invoke } = aws;
  const gateway = await startGateway({ authorize, invoke, credentials, trail, now: Date.now }, api);
  const host = `localhost:${gateway.port}`;
  const signer = new SignatureV4({ service: 'execute-api', region, credentials: operator, sha256: Sha256 });

  async function sign(request: RawRequest): Promise<RawRequest> {
    const [path = '/', search = ''] = request.target.split(/\?(.*)/s);
    const signed = await signer.sign({
      method: request.method,
      protocol: 'http:',
      hostname: 'localhost',
      path,
      query: Object.fromEntries(new URLSearchParams(search)),
      headers: { host },
      body: request.body,
    });
    const others = request.headers.filter(([name]) => !/^(host|authorization|x-amz-.*)$/i.test(name));
    return { ...request, headers: [...Object.entries(signed.headers), ...others] };
  }

  return {
    port: gateway.port,
    routes: [...Map.groupBy(api.methods, ({ functionArn }) => functionArn).values()],
    async prepare() {
      const visitors = [newVisitor(facts), newVisitor(facts)];
      for (const visitor of visitors) await visitor.mustLogIn();
      const begun = newVisitor(facts);
      await begun.begin();
      const ours = begun.browser.history.filter(({ url }) => url.origin === facts.gateway);
      const issued = ours.flatMap(({ headers }) => headers.getSetCookie());
      const cookies = [
        ...visitors.map(({ cookie }) => `${SESSION_COOKIE}=${cookie()}`),
        ...issued.flatMap((cookie) => cookie.split(';')[0] ?? []),
      ];
      const secrets = [
        ...visitors.map(({ cookie }) => ['session', cookie()] as const),
        ...visitors.flatMap(({ browser }) => codesOf(browser.history)),
      ];
      return { host, origin: facts.gateway, cookies, secrets };
    },
    async write(request, random) {
      if (!request.signed) return writeRequest(request);
      const signed = await sign(request);
      return writeRequest(
        random.often(0.7)
          ? signed
          : { ...signed, target: `${signed.target}${random.pick(['?a', '/', '#', '&b=1'])}` },
      );
    },
    close: gateway.close,
  };
}
