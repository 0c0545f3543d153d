import { createAwsCaller } from '@helseid-zones/client/aws';
import { createRemoteSigner } from '@helseid-zones/client/invoke';
import { createTokenClient, type TokenClient } from '@helseid-zones/client/token-client';
import { required } from '@helseid-zones/protocol/required';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import type { OperatorFile } from '../../infra/operator-file.ts';

/** Somebody who may ask a zone's signer: its function's credentials, and the way that they take. */
export type Caller = OperatorFile['callers'][number];

/** A token client as a function of the zone has it: its signer through its own network's endpoint, with its role's credentials. */
export function callerClient(
  { region, declaration }: { region: string; declaration: Pick<SystemDeclaration, 'clients'> },
  { client, lambdaUrl, credentials, signerArn }: Omit<Caller, 'zone'>,
): TokenClient {
  const aws = createAwsCaller({ region, credentials, endpoints: { lambda: lambdaUrl } });
  const { clientId, issuer, profile } = required(declaration.clients[client], client);
  const signer = createRemoteSigner({ aws, functionArn: signerArn });
  return createTokenClient({ client, clientId, issuer, profile, signer, fetch });
}
