import { ZonesError } from '../../client/errors.ts';

/** Bytes that fit into a Lambda answer (6 MB) after base64 or JSON escaping. */
const MAX_ANSWER = 4 * 1024 * 1024;

const TEXT = /^(text\/|application\/(json|xml|[\w.-]+\+(json|xml))(\s*;|$))/i;

/** An answer's body: a string where its media type says text, else bytes. Throws `api_answer_unusable` when it is larger than 4 MiB, and then reads no further. */
export async function readBounded(response: Response): Promise<string | Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_ANSWER) {
      throw new ZonesError(
        'api_answer_unusable',
        'The API answered more than 4 MiB; ask it for less at once.',
      );
    }
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  return TEXT.test(response.headers.get('content-type') ?? 'text/plain') ? body.toString('utf8') : body;
}
