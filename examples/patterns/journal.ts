import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  createApiFetch,
  createTokenClient,
  helseIdProfile,
  machineTokens,
  type TokenClient,
  type TokenSource,
} from '@helseid-zones/client';
import {
  addKey,
  type Custody,
  type CustodyOptions,
  openCustody,
  rotateKey,
} from '@helseid-zones/client/custody';

/** The key as each pattern declares it: where it is, and the closed network that may use it. */
export interface Key {
  uri: string;
  zone: string;
}

/** The registration at HelseID, and what is called. The same in every pattern. */
export interface Settings {
  issuer: string;
  clientId: string;
  /** A resource of the API, and its scope. */
  api: string;
  scope: string;
  selfService: string;
  /** File with what keys are encrypted by, made with the first key; better is what the machine or the cluster has for secrets. */
  passphraseFile: string;
  database?: CustodyOptions['database'];
}

/** What the environment says, or else HelseID's test environment. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  return {
    issuer: env['HELSEID_ISSUER'] ?? 'https://helseid-sts.test.nhn.no',
    clientId: env['HELSEID_CLIENT_ID'] ?? '8a2d4c5e-6a0b-4c53-9f0e-1f1f6f0c2b11',
    api: env['JOURNAL_API'] ?? 'https://summaries.example.no/v1/summaries/1',
    scope: env['JOURNAL_SCOPE'] ?? 'example:summaries/read',
    selfService: env['HELSEID_SELF_SERVICE'] ?? 'https://api.selvbetjening.test.nhn.no',
    passphraseFile: env['JOURNAL_PASSPHRASE_FILE'] ?? '/etc/journal/passphrase',
  };
}

/** The journal system: one client of HelseID, wherever its key is. */
export interface Journal {
  client: TokenClient;
  custody: Custody;
  /** Makes the first key, and resolves to the public JWK that a person registers in HelseID's portal. */
  register(): Promise<object>;
  /** Replaces the key by HelseID's self-service API; resolves to the new one's kid. */
  rotate(waits?: { propagation?: number | undefined }): Promise<string>;
  /** Calls the API, as the system itself or with a person's token. */
  call(tokens?: TokenSource): Promise<string>;
}

/** Opens it. Growing from one pattern into the next changes `key`, and nothing here. */
export async function openJournal(key: Key, settings: Settings): Promise<Journal> {
  const { issuer, clientId, scope } = settings;
  const profile = helseIdProfile;
  const options: CustodyOptions = {
    ...key,
    client: 'journal',
    subject: { issuer, clientId, tenancy: 'single-tenant', profile },
    algorithm: 'ES256',
    passphrase: () => readPassphrase(settings.passphraseFile),
    database: settings.database,
  };
  const custody = await openCustody(options);
  const client = createTokenClient({ client: 'journal', clientId, issuer, profile, signer: custody.signer });
  const selfService = {
    baseUrl: settings.selfService,
    scope: 'nhn:selvbetjening/client',
    body: 'object',
  } as const;
  return {
    client,
    custody,
    async register() {
      const [known] = await custody.publicKeys();
      if (!known) await custody.change((ring) => addKey(ring, options.algorithm));
      const [first] = await custody.publicKeys();
      return { ...first?.jwk, kid: first?.thumbprint, alg: first?.algorithm, use: 'sig' };
    },
    rotate: (waits = {}) => rotateKey(options, client, { selfService, ...waits }),
    async call(tokens = machineTokens(client, { scopes: [scope] })) {
      const response = await createApiFetch(client, tokens)(settings.api);
      return `${response.status} ${await response.text()}`;
    },
  };
}

/** One that is not there is made, for this user alone: with a new passphrase only a new key can be opened. */
function readPassphrase(file: string): string {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, randomBytes(32).toString('base64'), { mode: 0o600, flag: 'wx' });
  }
  // Windows has no modes. A cluster mounts it for the group of the service.
  if (process.platform !== 'win32' && (statSync(file).mode & 0o037) !== 0)
    throw new Error(`Others may read the passphrase ${file}: chmod 600, and rotate the key.`);
  return readFileSync(file, 'utf8').trim();
}
