import { ZonesError } from '@helseid-zones/protocol/errors';

/** A PKCS#11 URI: which key of which token, and how the token is reached. */
export interface Pkcs11Uri {
  /** `token`, `object`, `serial` and the like; percent-decoded. */
  path: Readonly<Record<string, string>>;
  /** CKA_ID, which is bytes. */
  id?: Uint8Array | undefined;
  /** `pin-source`, `module-path`. */
  query: Readonly<Record<string, string>>;
}

const PATH = ['token', 'manufacturer', 'serial', 'model', 'object', 'type', 'id'];
const QUERY = ['pin-source', 'module-path'];

/**
 * Reads a PKCS#11 URI (RFC 7512 2.3). `pin-value` is refused, though the RFC has it: a PIN in a URI ends in logs and process
 * lists; `pin-source` names a file. So is what is not known here,
 * such as attributes of the slot or the library, since without them another key would be chosen silently.
 * @throws {ZonesError} custody_refused: it is none, or names a private key by nothing; the message repeats none of it
 */
export function parsePkcs11Uri(uri: string): Pkcs11Uri {
  const [, pathText, queryText] = /^pkcs11:([^?#]*)(?:\?([^#]*))?$/.exec(uri) ?? [];
  if (pathText === undefined) throw refused('is none');
  const path = readAttributes(pathText, ';', PATH);
  const query = readAttributes(queryText ?? '', '&', QUERY);
  const { id, type, ...others } = path;
  if (type !== undefined && decode(type).toString() !== 'private') throw refused('names no private key');
  if (id === undefined && others['object'] === undefined) throw refused('names no key by object or id');
  return { path: textOf(others), id: id === undefined ? undefined : decode(id), query: textOf(query) };
}

function readAttributes(text: string, separator: string, known: readonly string[]): Record<string, string> {
  const attributes = new Map<string, string>();
  for (const pair of text.split(separator).filter((part) => part !== '')) {
    const [, name = '', value = ''] = /^([a-z0-9-]+)=(.*)$/.exec(pair) ?? [];
    if (name === 'pin-value') throw refused('holds a PIN; name a file by pin-source');
    if (!known.includes(name)) throw refused('has an attribute that is not known');
    if (attributes.has(name)) throw refused(`has ${name} twice`);
    attributes.set(name, value);
  }
  return Object.fromEntries(attributes);
}

function textOf(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, decode(value).toString()]),
  );
}

/** Percent-decoded bytes: `id` need not be text. */
function decode(value: string): Buffer {
  if (/%(?![0-9a-f]{2})|[^\x21-\x7e]/i.test(value)) throw refused('has a value that is not percent-encoded');
  const bytes = [...value.matchAll(/%([0-9a-f]{2})|(.)/gi)];
  return Buffer.from(
    bytes.map(([, hex, character = '']) => (hex ? Number.parseInt(hex, 16) : character.charCodeAt(0))),
  );
}

const refused = (why: string): ZonesError => new ZonesError('custody_refused', `The PKCS#11 URI ${why}.`);
