import { ZonesError } from '../../client/errors.ts';

const ANYWHERE = 'https://gateway.invalid';

/**
 * Checks where a person is sent after login: a path on this gateway, with query and fragment perhaps, never another
 * origin. Throws `return_path_invalid`. Gives the path as a browser would spell it. Browsers read `\` as `/`, drop tabs
 * and newlines and resolve dot segments, so none of those may occur, not even percent-encoded.
 */
export function checkReturnPath(path: string): string {
  const refuse = () =>
    new ZonesError(
      'return_path_invalid',
      'The return path must be a plain path on this site, such as /journal.',
    );
  if (path.length > 1000 || !/^\/(?![/\\])[^\\\p{Cc}\s]*$/u.test(path)) throw refuse();
  const [before = ''] = path.split(/[?#]/);
  const dots = before.split('/').some((segment) => /^(\.|%2e){1,2}$/i.test(segment));
  if (dots || /%5c|%2f/i.test(before)) throw refuse();
  const { pathname, search, hash } = new URL(path, ANYWHERE);
  return pathname + search + hash;
}
