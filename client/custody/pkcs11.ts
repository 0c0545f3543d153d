import { createPublicKey, type KeyObject } from 'node:crypto';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { isZonesError } from '@helseid-zones/protocol/errors';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import type { SignDigest } from '../create-signer.ts';
import { type Handle, loadModule, openToken, type Pkcs11, refused, unavailable } from './pkcs11-token.ts';
import { type Pkcs11Uri, parsePkcs11Uri } from './pkcs11-uri.ts';

/** What a private key must say of itself, as CK_BBOOL: it was made in the token, and nobody can read it out. */
const REQUIRED = {
  CKA_SIGN: 1,
  CKA_SENSITIVE: 1,
  CKA_ALWAYS_SENSITIVE: 1,
  CKA_EXTRACTABLE: 0,
  CKA_NEVER_EXTRACTABLE: 1,
  // It would ask for the PIN at each signature.
  CKA_ALWAYS_AUTHENTICATE: 0,
};

/** The longest signature, bytes: RSA of 8,192 bits. */
const LONGEST = 1024;

/**
 * Keys in a PKCS#11 token, for `createSigner`: their public halves, and what signs in it. `text` is a URI (RFC 7512), or several
 * with a blank between that differ by `object` and `id` only. The token holds each public half beside its private key, with the same
 * CKA_ID. Whatever the token throws, it is opened once more, and the signature tried once more; sessions are shared by all calls.
 *
 * @throws {ZonesError} custody_refused: a PIN, a key that can be read out or was made elsewhere, or more than one of a name
 * @throws {ZonesError} custody_unavailable: no token, no key, or no signature of it
 * @throws {ZonesError} key_not_usable: it does not fit `algorithm`
 */
export async function openPkcs11Keys(text: string, algorithm: Algorithm) {
  const [uri, ...others] = text.split(' ').map(parsePkcs11Uri) as [Pkcs11Uri, ...Pkcs11Uri[]];
  if (others.some((other) => placeOf(other) !== placeOf(uri)))
    throw refused('is named by URIs that differ by more than object and id');
  const pkcs11 = await loadModule(uri);
  let opened: ReturnType<typeof openAll> | undefined;

  async function openAll() {
    const token = await openToken(pkcs11, uri);
    try {
      const keys = await token.use((session) =>
        [uri, ...others].map((each) => findKey(pkcs11, session, each, algorithm)),
      );
      return { token, keys };
    } catch (cause) {
      token.close();
      throw isZonesError(cause) ? cause : unavailable('can not be read', cause);
    }
  }

  /** One for all who ask at once. One that failed is forgotten: the next call tries again. */
  function open(): ReturnType<typeof openAll> {
    if (opened) return opened;
    const mine = openAll();
    opened = mine;
    mine.catch(() => forget(mine));
    return mine;
  }

  function forget(which: ReturnType<typeof openAll>): void {
    if (opened === which) opened = undefined;
  }

  const sign: SignDigest = async (digest, name, { kid, signal }) => {
    const once = ({ token, keys }: Awaited<ReturnType<typeof openAll>>) =>
      token.use(async (session) => {
        signal.throwIfAborted();
        const key = keys.find((each) => each.kid === kid);
        if (!key) throw unavailable('has another key by that name than when it was opened; open it anew');
        pkcs11.library.C_SignInit(session, mechanismOf(pkcs11, name), key.handle);
        const signature = await pkcs11.library.C_SignAsync(session, digest, Buffer.alloc(LONGEST));
        return { signature, format: 'jose' } as const;
      });
    const mine = open();
    const used = await mine;
    return once(used).catch(async (cause) => {
      if (isZonesError(cause) || signal.aborted) throw cause;
      // Whoever comes first opens it anew; the others find it open.
      forget(mine);
      used.token.close();
      return once(await open()).catch((again) => {
        throw isZonesError(again) || signal.aborted ? again : unavailable('gave no signature, twice', again);
      });
    });
  };
  return { keys: (await open()).keys, sign };
}

/** What of a URI says where the token is. */
const placeOf = ({ path: { object: _, ...place }, query }: Pkcs11Uri): string =>
  JSON.stringify([place, query].map((each) => Object.entries(each).sort()));

function findKey({ C, library }: Pkcs11, session: Handle, uri: Pkcs11Uri, algorithm: Algorithm) {
  const read = (object: Handle, name: string) =>
    library.C_GetAttributeValue(session, object, [{ type: C[name] }])[0]?.value ?? Buffer.of();
  const find = (className: string, named: object): Handle => {
    const wanted = Object.entries({ CKA_CLASS: C[className], ...named }).filter(([, value]) => value);
    const template = wanted.map(([name, value]) => ({ type: C[name], value }));
    library.C_FindObjectsInit(session, template);
    const [object, ...more] = library.C_FindObjects(session, 2);
    library.C_FindObjectsFinal(session);
    if (!object) throw unavailable(`has no ${className} that the URI names; keep both halves, with one id`);
    if (more.length > 0) throw refused('has more than one key that the URI names; name it by id');
    return object;
  };
  const id = uri.id && Buffer.from(uri.id);
  const handle = find('CKO_PRIVATE_KEY', { CKA_LABEL: uri.path['object'], CKA_ID: id });
  for (const [name, wanted] of Object.entries(REQUIRED))
    if (read(handle, name).at(0) !== wanted)
      throw refused(
        `holds a key whose ${name} is not ${wanted === 1}; make one in the token, for signing only`,
      );
  const half = find('CKO_PUBLIC_KEY', { CKA_ID: read(handle, 'CKA_ID') });
  const publicKey = readPublicKey(algorithm, (name) => read(half, name));
  return { handle, publicKey, algorithm, kid: describePublicKey(publicKey, algorithm).thumbprint };
}

function readPublicKey(algorithm: Algorithm, read: (name: string) => Buffer): KeyObject {
  const { kty, crv = '', signatureBytes } = ALGORITHMS[algorithm];
  const text = (value: Buffer) => value.toString('base64url');
  try {
    if (kty === 'RSA') {
      const [n, e] = [text(read('CKA_MODULUS')), text(read('CKA_PUBLIC_EXPONENT'))];
      return createPublicKey({ key: { kty, n, e }, format: 'jwk' });
    }
    // X and Y are a point's last bytes (SEC 1 2.3.3), whether or not it is wrapped in an OCTET STRING: tokens differ.
    const point = read('CKA_EC_POINT').subarray(-signatureBytes);
    const [x, y] = [text(point.subarray(0, signatureBytes / 2)), text(point.subarray(signatureBytes / 2))];
    return createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' });
  } catch (cause) {
    throw refused(`holds no key for ${algorithm} by that name`, cause);
  }
}

function mechanismOf({ C }: Pkcs11, algorithm: Algorithm): object {
  const { kty, hash } = ALGORITHMS[algorithm];
  if (kty === 'EC') return { mechanism: C['CKM_ECDSA'] };
  const bits = hash.slice('sha'.length);
  const parameter = {
    type: C['CK_PARAMS_RSA_PSS'],
    hashAlg: C[`CKM_SHA${bits}`],
    mgf: C[`CKG_MGF1_SHA${bits}`],
    saltLen: Number(bits) / 8,
  };
  return { mechanism: C['CKM_RSA_PKCS_PSS'], parameter };
}
