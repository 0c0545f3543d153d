import { type BinaryLike, createHash, createHmac } from 'node:crypto';
import { AwsError, writeJsonError } from '../../local/aws/errors.ts';
import { verifySignature } from '../../local/aws/sigv4.ts';
import type { Handler } from './network.ts';

/** An AWS endpoint that checks Signature Version 4 as the local AWS does, and then answers as told. */
export interface FakeAws {
  handle: Handler;
  /** Requests whose signature was right. */
  requests: { method: string; url: string; headers: Headers; body: string }[];
  /** Answers in turn; the last one stays. */
  answers: (() => Response | Promise<Response>)[];
}

/** The credentials it knows. */
export const CREDENTIALS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI',
  sessionToken: 'T/=',
};
const caller = { kind: 'role', arn: '', account: '', session: '' } as const;
const credentials = {
  issue: () => CREDENTIALS,
  find: (id: string) => (id === CREDENTIALS.accessKeyId ? { caller, credentials: CREDENTIALS } : undefined),
};

/** `now` is in epoch milliseconds. */
export function createFakeAws(service: string, region: string, now: () => number = Date.now): FakeAws {
  const fake: FakeAws = {
    requests: [],
    answers: [() => Response.json({})],
    async handle(request) {
      const { method, url, headers } = request;
      const body = await request.text();
      const { host, pathname, search } = new URL(url);
      const wire = { ...Object.fromEntries(headers), host };
      try {
        verifySignature(
          { method, target: `${pathname}${search}`, headers: wire, body: Buffer.from(body) },
          { service, region, credentials, now },
        );
      } catch (cause) {
        if (!(cause instanceof AwsError)) throw cause;
        const refused = writeJsonError('1.1', cause, '');
        return new Response(String(refused.body), refused);
      }
      fake.requests.push({ method, url, headers, body });
      const answer = fake.answers.length > 1 ? fake.answers.shift() : fake.answers[0];
      return (await answer?.()) ?? new Response(null, { status: 500 });
    },
  };
  return fake;
}

/** What SignatureV4 wants of a hash: SHA-256, keyed where a secret is given. */
export class Sha256 {
  readonly #hash;
  constructor(secret?: unknown) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as BinaryLike);
  }
  update(data: unknown): void {
    this.#hash.update(data as BinaryLike);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}
