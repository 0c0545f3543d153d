import { createHash } from 'node:crypto';
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { createFileStore } from './file.ts';
import type { Pkcs11Uri } from './pkcs11-uri.ts';
import { parseCustodyUri } from './uri.ts';

/** What PKCS#11 calls a slot, a session or an object by. */
export type Handle = Buffer;

/** As much of the package `pkcs11js` as is needed: PKCS#11 2.40's functions, each of which throws a `CKR_` code as `message`. */
export interface Cryptoki {
  load(path: string): void;
  C_Initialize(options: object): void;
  C_Finalize(): void;
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): Readonly<Record<string, unknown>> & { flags: number };
  C_OpenSession(slot: Handle, flags: number | undefined): Handle;
  C_CloseSession(session: Handle): void;
  C_Login(session: Handle, userType: number | undefined, pin: string): void;
  C_FindObjectsInit(session: Handle, template: object[]): void;
  C_FindObjects(session: Handle, most: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(session: Handle, object: Handle, template: object[]): { value: Buffer }[];
  C_SignInit(session: Handle, mechanism: object, key: Handle): void;
  C_SignAsync(session: Handle, data: Uint8Array, output: Buffer): Promise<Buffer>;
}

/** PKCS#11's numbers by name, and its functions in one module. */
export type Pkcs11 = { C: Readonly<Record<string, number>>; library: Cryptoki };

/** A token with a login: its sessions, of which each does one thing at a time. */
export interface Token {
  use<T>(run: (session: Handle) => T | Promise<T>): Promise<T>;
  /** Closes the sessions once nothing is done in them any more. */
  close(): void;
}

/** As many signatures are made at once: Node's own number of threads, where C_Sign waits for the token. */
const SESSIONS = 4;

/** What says nothing of a PIN; after anything else that a login throws it is not tried again. */
const NOT_THE_PIN =
  /^CKR_(DEVICE_REMOVED|TOKEN_NOT_PRESENT|SESSION_CLOSED|SESSION_HANDLE_INVALID|HOST_MEMORY)$/;

/** Digests of PINs that were refused, by token: of the process, as a login is, since a program that fails opens once more. */
const refusedPins = new Map<string, string>();

/** What an attribute of a PKCS#11 URI's path is called in what a token says of itself (RFC 7512 2.3). */
const MEMBERS = { token: 'label', manufacturer: 'manufacturerID', serial: 'serialNumber', model: 'model' };

/**
 * The module of a PKCS#11 URI, by the package `pkcs11js`, which the application installs.
 * @throws {ZonesError} custody_unavailable: package or module is not there
 * @throws {ZonesError} custody_refused: the URI names no module by its path
 */
export async function loadModule({ query }: Pkcs11Uri): Promise<Pkcs11> {
  const path = query['module-path'] ?? '';
  if (!isAbsolute(path)) throw refused('is reached by a module; name it by module-path, an absolute path');
  // By a name that no bundler follows: an application that keeps its keys elsewhere has no such package.
  const name: string = 'pkcs11js';
  try {
    const { default: C } = await import(name);
    const library: Cryptoki = new C.PKCS11();
    library.load(path);
    return { C, library };
  } catch (cause) {
    throw unavailable('needs the package pkcs11js (npm install pkcs11js) and its module-path', cause);
  }
}

/**
 * Finds the token and logs in, with the PIN of the file that `pin-source` names (a path, or `file:///PATH?mode=440`). A PIN that
 * was refused is tried again only when the file has another; none is, when it is the last try that the token allows: that is a
 * person's. A login is the whole process's, as PKCS#11 has it.
 *
 * @throws {ZonesError} custody_refused: no PIN, a refused one, a file that others may read, or more than one token
 * @throws {ZonesError} custody_unavailable: the token is not there
 */
export async function openToken(pkcs11: Pkcs11, uri: Pkcs11Uri): Promise<Token> {
  const { C, library } = pkcs11;
  const pin = await readPin(uri.query['pin-source']);
  const sessions: Handle[] = [];
  const close = () => {
    // A session of a token that is gone is closed as it is.
    for (const each of sessions) tolerate(/./, () => library.C_CloseSession(each));
  };
  let mine = false;
  try {
    tolerate(/^CKR_CRYPTOKI_ALREADY_INITIALIZED$/, () => {
      library.C_Initialize({ flags: C['CKF_OS_LOCKING_OK'] });
      mine = true;
    });
    const slot = findSlot(library, uri);
    for (let count = 0; count < SESSIONS; count += 1)
      sessions.push(library.C_OpenSession(slot, C['CKF_SERIAL_SESSION']));
    logIn(pkcs11, slot, sessions[0] as Handle, pin);
  } catch (cause) {
    close();
    // Some modules look for tokens only then. Nobody else has come between: nothing was waited for since.
    if (mine) tolerate(/./, () => library.C_Finalize());
    throw cause instanceof ZonesError ? cause : unavailable('can not be reached', cause);
  }
  const last = sessions.map((): Promise<unknown> => Promise.resolve());
  let turn = 0;
  return {
    use(run) {
      turn = (turn + 1) % SESSIONS;
      const session = sessions[turn] as Handle;
      const result = Promise.resolve(last[turn]).then(() => run(session));
      last[turn] = result.catch(() => {});
      return result;
    },
    close: () => void Promise.all(last).then(close),
  };
}

function findSlot(library: Cryptoki, { path }: Pkcs11Uri): Handle {
  const [slot, ...others] = library.C_GetSlotList(true).filter((each) => {
    const about = library.C_GetTokenInfo(each);
    return Object.entries(MEMBERS).every(
      ([name, member]) => path[name] === undefined || path[name] === textOf(about[member]),
    );
  });
  if (!slot) throw unavailable('is not there: no slot has a token that the URI names');
  if (others.length > 0) throw refused('is one of several that the URI names; name it by serial');
  return slot;
}

function logIn({ C, library }: Pkcs11, slot: Handle, session: Handle, pin: string | undefined): void {
  const { flags, ...info } = library.C_GetTokenInfo(slot);
  const has = (flag: string) => (flags & Number(C[flag])) !== 0;
  if (!has('CKF_LOGIN_REQUIRED')) return;
  if (pin === undefined) throw refused('needs a PIN; name a file by pin-source');
  const token = Object.values(MEMBERS)
    .map((name) => textOf(info[name]))
    .join();
  const tried = createHash('sha256').update(pin).digest('base64');
  if (refusedPins.get(token) === tried)
    throw refused('refused this PIN before; it is not tried again until the file of pin-source has another');
  if (has('CKF_USER_PIN_FINAL_TRY') || has('CKF_USER_PIN_LOCKED'))
    throw refused('allows one more try at the PIN or none; log in by hand with the right one, or unlock it');
  try {
    tolerate(/^CKR_USER_ALREADY_LOGGED_IN$/, () => library.C_Login(session, C['CKU_USER'], pin));
    refusedPins.delete(token);
  } catch (cause) {
    if (NOT_THE_PIN.test(Object(cause).message)) throw cause;
    refusedPins.set(token, tried);
    throw refused('refused the PIN; it is not tried again until the file of pin-source has another', cause);
  }
}

async function readPin(source: string | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined;
  const { scheme, place, mode } = parseCustodyUri(isAbsolute(source) ? `${pathToFileURL(source)}` : source);
  if (scheme !== 'file:') throw refused('has its PIN in a file only');
  const text = await createFileStore(place, mode, 'file of pin-source').read();
  const pin = text?.replace(/\r?\n$/, '');
  if (!pin) throw unavailable('has no PIN: the file of pin-source is empty, or not there');
  return pin;
}

/** Text of PKCS#11 is padded with blanks. */
const textOf = (value: unknown): string => String(value ?? '').replace(/[ \0]+$/, '');

function tolerate(codes: RegExp, run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!codes.test(Object(error).message)) throw error;
  }
}

const coded = (code: 'custody_refused' | 'custody_unavailable') => (why: string, cause?: unknown) =>
  new ZonesError(code, `The PKCS#11 token ${why}.`, { cause, facts: { custody: 'pkcs11:' } });

/** What a token, or how it is named, is refused for: the end of a sentence. */
export const refused = coded('custody_refused');

/** Why a token gives nothing for the moment: the end of a sentence. */
export const unavailable = coded('custody_unavailable');
