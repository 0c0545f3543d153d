import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';
import * as v from 'valibot';
import type { SystemDeclaration } from './declaration/schema.ts';

const text = v.string();

const credentials = v.object({
  accessKeyId: v.string(),
  secretAccessKey: v.string(),
  sessionToken: v.exactOptional(v.string()),
});

/** What a running local system says of itself to its operator (`operator.json` in its folder). */
const operatorFile = v.object({
  url: v.string(),
  region: v.string(),
  credentials,
  /** As it runs: with the stand-ins' URLs. */
  declaration: v.custom<SystemDeclaration>((value) => typeof value === 'object' && value !== null),
  /** The stage that it was started with. */
  stage: v.optional(v.string()),
  /** Folder of the functions' logs. */
  logs: v.string(),
  /** Where each zone's gateway is. */
  gateways: v.array(v.object({ zone: v.string(), url: v.string() })),
  /** A function a zone and client that may ask the client's signer, and by which way. */
  callers: v.array(v.object({ zone: text, client: text, signerArn: text, lambdaUrl: text, credentials })),
  /** Somebody else's client for each zone with an authorizer, by its key (a JWK as JSON); `wantsPerson` where its tokens would have to name one, and the stand-in gives none. */
  foreign: v.array(
    v.object({
      zone: text,
      issuer: text,
      clientId: text,
      privateKey: text,
      scopes: v.array(text),
      wantsPerson: v.boolean(),
    }),
  ),
  signingVpc: v.optional(v.string()),
});

/** See {@link readOperatorFile}; whoever starts the system writes it. */
export type OperatorFile = v.InferOutput<typeof operatorFile>;

/**
 * Reads `operator.json` in the folder of a running local system. Its declaration was validated by who wrote it.
 * @throws {ZonesError} local_failed: there is none, or it is not of this version
 */
export function readOperatorFile(folder: string): OperatorFile {
  try {
    return v.parse(operatorFile, JSON.parse(readFileSync(join(folder, 'operator.json'), 'utf8')));
  } catch (cause) {
    const message = `No local system is running with its state in ${folder}; begin one with npm start, or name its folder.`;
    throw new ZonesError('local_failed', message, { cause });
  }
}
