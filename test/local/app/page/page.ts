import { request } from 'node:http';
import { afterAll } from 'vitest';
import type { MapNode, ZoneMap } from '../../../../infra/proof/report/map/model.ts';
import { createNames } from '../../../../local/app/page/describe-line.ts';
import type { PageDeps } from '../../../../local/app/page/document.ts';
import { servePage } from '../../../../local/app/page/server.ts';
import { type Listening, listen } from '../../../../local/aws/http.ts';
import { createTrail } from '../../../../local/aws/trail.ts';

const AT = 'eu-north-1:000000000000';

function node(id: string, kind: MapNode['kind'], zone: string, label: string): MapNode {
  return { id, kind, zone, label, notes: [`of client ${label}`], resources: [], violated: false };
}

/** A map of one function, its signer, a key, a table and a route. */
const MAP: ZoneMap = {
  system: 'small',
  zones: ['public', 'signing'].map((name) => ({
    name,
    signing: name === 'signing',
    admin: false,
    cidr: '10.0.0.0/20',
    account: '000000000000',
    internet: 'none',
    endpoints: [],
    violated: false,
  })),
  nodes: [
    node(`arn:aws:lambda:${AT}:function:small-public-summary`, 'function', 'public', 'summary'),
    node(`arn:aws:lambda:${AT}:function:small-signer-a-public`, 'signer', 'signing', 'signer-a-public'),
    { ...node(`arn:aws:kms:${AT}:key/1`, 'key', 'signing', 'client key'), notes: ['of client a'] },
    node('route:api GET\u00a0/x/{id}', 'route', 'public', 'GET\u00a0/x/{id}, POST\u00a0/x'),
  ],
  calls: [],
  findings: [],
  assumptions: [],
};

/** Whose key an ARN is, in {@link MAP}: any key that says so. */
export const NAMES = createNames(MAP, (arn) => (arn.includes('of-a') ? 'a' : undefined));

/** What a page is made from where a test says nothing else. */
export function fakeDeps(given: Partial<PageDeps> = {}): PageDeps {
  return {
    map: MAP,
    trail: createTrail(() => 1_000),
    names: NAMES,
    keys: () => [{ client: 'a', clientId: 'id-of-a', keys: [] }],
    figures: () => [],
    event: { type: 'Created', source: 'test', send: async () => 'sent' },
    attacks: [],
    login: undefined,
    ...given,
  };
}

/** An answer of the page's server. */
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A page that listens until the test file is done, and a way to ask it that sends exactly the headers it is given. */
export async function startFakePage(deps: PageDeps) {
  const started: Listening[] = [];
  let serve: ReturnType<typeof servePage> | undefined;
  const listening = await listen((incoming, response) => serve?.(incoming, response));
  started.push(listening);
  afterAll(() => Promise.all(started.map(({ close }) => close())));
  serve = servePage(deps, listening.port);
  const { port } = listening;
  const ask = (
    method: string,
    path: string,
    { headers = {}, body = '' }: { headers?: Record<string, string>; body?: string } = {},
  ) =>
    new Promise<Answer>((resolve, reject) => {
      const all = { host: `localhost:${port}`, ...headers };
      const sent = request({ host: '127.0.0.1', port, method, path, headers: all }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
      });
      sent.on('error', reject).end(body);
    });
  const own = { origin: `http://localhost:${port}`, 'sec-fetch-site': 'same-origin' };
  return { port, ask, own };
}
