import {
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  GetKeyPolicyCommand,
  GetPublicKeyCommand,
  type KMSClient,
  ListKeysCommand,
  ListResourceTagsCommand,
} from '@aws-sdk/client-kms';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';

/** The calls of KMS that the admin zone makes. Neither Sign nor PutKeyPolicy is among them. */
const KMS_COMMANDS = {
  createKey: CreateKeyCommand,
  describeKey: DescribeKeyCommand,
  disableKey: DisableKeyCommand,
  enableKey: EnableKeyCommand,
  getKeyPolicy: GetKeyPolicyCommand,
  getPublicKey: GetPublicKeyCommand,
  listKeys: ListKeysCommand,
  listResourceTags: ListResourceTagsCommand,
};

/** The calls of Secrets Manager that the admin zone makes. */
const SECRETS_COMMANDS = {
  describeSecret: DescribeSecretCommand,
  getSecretValue: GetSecretValueCommand,
  putSecretValue: PutSecretValueCommand,
  updateSecretVersionStage: UpdateSecretVersionStageCommand,
  rotateSecret: RotateSecretCommand,
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
export const createKmsPort = (client: KMSClient): KmsPort => createPort(client, KMS_COMMANDS);

/** The {@link SecretsPort} of a real client. */
export const createSecretsPort = (client: SecretsManagerClient): SecretsPort =>
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

/** Time, replaceable. */
export interface Clock {
  /** Epoch seconds. */
  now(): number;
  wait(seconds: number): Promise<void>;
}

/** The wall clock. */
export const systemClock: Clock = {
  now: () => Math.floor(Date.now() / 1000),
  wait: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
};

/** AWS's name of an error, e.g. `ResourceNotFoundException`; empty for what did not come from AWS. */
export function awsErrorName(error: unknown): string {
  return error instanceof Error && !error.name.endsWith('Error') ? error.name : '';
}
