import { randomBytes } from 'node:crypto';
import type { Caller } from './call.ts';

/** Credentials of a role's session; without a session token they are like a user's long-lived ones, which `curl` takes as they are. */
export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** Whose session it is; `functionArn` where the credentials are a function's. */
type SessionRole = Pick<Caller, 'arn' | 'account' | 'functionArn'>;

/** Who holds which credentials. Lives as long as the process: nothing is written to disk. */
export type CredentialTable = ReturnType<typeof createCredentialTable>;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function keyId(prefix: 'ASIA' | 'AKIA'): string {
  return `${prefix}${[...randomBytes(16)].map((byte) => ALPHABET[byte % 32]).join('')}`;
}

/** An empty {@link CredentialTable}. */
export function createCredentialTable() {
  const byKeyId = new Map<string, { caller: Caller; credentials: Credentials }>();
  const bySession = new Map<string, Credentials>();
  return {
    /** Credentials for a session of the role; the same ones for the same session name. */
    issue(role: SessionRole, sessionName: string, kind: 'temporary' | 'long-lived' = 'temporary') {
      const { arn, account, functionArn } = role;
      const session = `arn:aws:sts::${account}:assumed-role/${arn.split('/').at(-1)}/${sessionName}`;
      const known = bySession.get(session);
      if (known !== undefined) return known;
      const credentials: Credentials = {
        accessKeyId: keyId(kind === 'temporary' ? 'ASIA' : 'AKIA'),
        secretAccessKey: randomBytes(30).toString('base64url'),
        ...(kind === 'temporary' ? { sessionToken: randomBytes(48).toString('base64url') } : {}),
      };
      const caller: Caller = { kind: 'role', arn, account, session, functionArn };
      bySession.set(session, credentials);
      byKeyId.set(credentials.accessKeyId, { caller, credentials });
      return credentials;
    },
    /** Whose key id it is, with the secrets to compare with. */
    find: (accessKeyId: string) => byKeyId.get(accessKeyId),
  };
}
