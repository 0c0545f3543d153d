import * as kms from '@aws-sdk/client-kms';
import * as secrets from '@aws-sdk/client-secrets-manager';

/** The calls of KMS that the admin zone makes. Neither Sign nor PutKeyPolicy is among them. */
export const KMS_COMMANDS = {
  createKey: kms.CreateKeyCommand,
  describeKey: kms.DescribeKeyCommand,
  disableKey: kms.DisableKeyCommand,
  enableKey: kms.EnableKeyCommand,
  getKeyPolicy: kms.GetKeyPolicyCommand,
  getPublicKey: kms.GetPublicKeyCommand,
  listGrants: kms.ListGrantsCommand,
  listKeys: kms.ListKeysCommand,
  listResourceTags: kms.ListResourceTagsCommand,
};

/** The calls of Secrets Manager that the admin zone makes. */
const SECRETS_COMMANDS = {
  describeSecret: secrets.DescribeSecretCommand,
  getSecretValue: secrets.GetSecretValueCommand,
  putSecretValue: secrets.PutSecretValueCommand,
  updateSecretVersionStage: secrets.UpdateSecretVersionStageCommand,
  rotateSecret: secrets.RotateSecretCommand,
};

/** A command's call: AWS's own input and output, and its error names. */
type Call<Command> = Command extends new (
  ...args: never
) => {
  input: infer Input;
  resolveMiddleware(...args: never): (...args: never) => Promise<{ output: infer Output }>;
}
  ? (input: Input) => Promise<Omit<Output, '$metadata'>>
  : never;
type Port<Commands> = { [Name in keyof Commands]: Call<Commands[Name]> };

/** See {@link KMS_COMMANDS}. */
export type KmsPort = Port<typeof KMS_COMMANDS>;

/** See {@link SECRETS_COMMANDS}. */
export type SecretsPort = Port<typeof SECRETS_COMMANDS>;

/** The {@link KmsPort} of a real client. */
export const createKmsPort = (client: kms.KMSClient): KmsPort => createPort(client, KMS_COMMANDS);

/** The {@link SecretsPort} of a real client. */
export const createSecretsPort = (client: secrets.SecretsManagerClient): SecretsPort =>
  createPort(client, SECRETS_COMMANDS);

function createPort<Commands extends object>(
  client: { send(command: never): Promise<unknown> },
  commands: Commands,
): Port<Commands> {
  const calls = Object.entries(commands).map(([name, Command]) => [
    name,
    (input: unknown) => client.send(new Command(input) as never),
  ]);
  return Object.fromEntries(calls);
}
