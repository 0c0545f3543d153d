import { request } from 'node:http';
import { afterAll } from 'vitest';
import type { MapNode, ZoneMap } from '../../../../infra/proof/report/map/model.ts';
import type { PageDeps } from '../../../../local/app/page/document.ts';
import { servePage } from '../../../../local/app/page/server.ts';
import { type Listening, listen } from '../../../../local/aws/http.ts';
import { createTrail } from '../../../../local/aws/trail.ts';

const node: Omit<MapNode, 'id' | 'kind' | 'zone'> = { label: 'x', notes: [], resources: [], violated: false };

/** A map of one function and its signer. */
const MAP: ZoneMap = {
  system: 'small',
  zones: ['public', 'signing'].map((name) => ({
    name,
    ...{ signing: name === 'signing', admin: false, cidr: '10.0.0.0/20', account: '000000000000' },
    ...{ internet: 'none', endpoints: [], violated: false },
  })),
  nodes: [
    { ...node, id: 'summary', kind: 'function', zone: 'public' },
    { ...node, id: 'signer', kind: 'signer', zone: 'signing' },
  ],
  calls: [],
  findings: [],
  assumptions: [],
};

/** The zone of the one function that the trail has calls of. */
export const zoneOf = (name: string) => (name === 'small-signer-a-public' ? 'signing' : undefined);

/** What a page is made from where a test says nothing else. */
export function fakeDeps(given: Partial<PageDeps> = {}): PageDeps {
  return {
    map: MAP,
    trail: createTrail(() => 1_000),
    zoneOf,
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
  const ask = (method: string, path: string, { headers = {} }: { headers?: Record<string, string> } = {}) =>
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
      sent.on('error', reject).end();
    });
  const own = { origin: `http://localhost:${port}`, 'sec-fetch-site': 'same-origin' };
  return { port, ask, own };
}
