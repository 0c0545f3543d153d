import {
  CreateKeyCommand,
  type CreateKeyCommandInput,
  type CreateKeyCommandOutput,
  DescribeKeyCommand,
  type DescribeKeyCommandInput,
  type DescribeKeyCommandOutput,
  DisableKeyCommand,
  type DisableKeyCommandInput,
  EnableKeyCommand,
  type EnableKeyCommandInput,
  GetKeyPolicyCommand,
  type GetKeyPolicyCommandInput,
  type GetKeyPolicyCommandOutput,
  GetPublicKeyCommand,
  type GetPublicKeyCommandInput,
  type GetPublicKeyCommandOutput,
  type KMSClient,
  ListKeysCommand,
  type ListKeysCommandInput,
  type ListKeysCommandOutput,
  ListResourceTagsCommand,
  type ListResourceTagsCommandInput,
  type ListResourceTagsCommandOutput,
} from '@aws-sdk/client-kms';
import {
  DescribeSecretCommand,
  type DescribeSecretCommandInput,
  type DescribeSecretCommandOutput,
  GetSecretValueCommand,
  type GetSecretValueCommandInput,
  type GetSecretValueCommandOutput,
  PutSecretValueCommand,
  type PutSecretValueCommandInput,
  RotateSecretCommand,
  type RotateSecretCommandInput,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
  type UpdateSecretVersionStageCommandInput,
} from '@aws-sdk/client-secrets-manager';

type Answer<T> = Promise<Omit<T, '$metadata'>>;

/** The calls of KMS that the admin zone makes; AWS's own shapes and error names. Neither Sign nor PutKeyPolicy is among them. */
export interface KmsPort {
  createKey(input: CreateKeyCommandInput): Answer<CreateKeyCommandOutput>;
  describeKey(input: DescribeKeyCommandInput): Answer<DescribeKeyCommandOutput>;
  disableKey(input: DisableKeyCommandInput): Promise<unknown>;
  enableKey(input: EnableKeyCommandInput): Promise<unknown>;
  getKeyPolicy(input: GetKeyPolicyCommandInput): Answer<GetKeyPolicyCommandOutput>;
  getPublicKey(input: GetPublicKeyCommandInput): Answer<GetPublicKeyCommandOutput>;
  listKeys(input: ListKeysCommandInput): Answer<ListKeysCommandOutput>;
  listResourceTags(input: ListResourceTagsCommandInput): Answer<ListResourceTagsCommandOutput>;
}

/** The calls of Secrets Manager that the admin zone makes; AWS's own shapes and error names. */
export interface SecretsPort {
  describeSecret(input: DescribeSecretCommandInput): Answer<DescribeSecretCommandOutput>;
  getSecretValue(input: GetSecretValueCommandInput): Answer<GetSecretValueCommandOutput>;
  putSecretValue(input: PutSecretValueCommandInput): Promise<unknown>;
  updateSecretVersionStage(input: UpdateSecretVersionStageCommandInput): Promise<unknown>;
  rotateSecret(input: RotateSecretCommandInput): Promise<unknown>;
}

/** Time, replaceable. */
export interface Clock {
  /** Epoch seconds. */
  now(): number;
  wait(seconds: number): Promise<void>;
}

/** The {@link KmsPort} of a real client. */
export function createKmsPort(client: KMSClient): KmsPort {
  return {
    createKey: (input) => client.send(new CreateKeyCommand(input)),
    describeKey: (input) => client.send(new DescribeKeyCommand(input)),
    disableKey: (input) => client.send(new DisableKeyCommand(input)),
    enableKey: (input) => client.send(new EnableKeyCommand(input)),
    getKeyPolicy: (input) => client.send(new GetKeyPolicyCommand(input)),
    getPublicKey: (input) => client.send(new GetPublicKeyCommand(input)),
    listKeys: (input) => client.send(new ListKeysCommand(input)),
    listResourceTags: (input) => client.send(new ListResourceTagsCommand(input)),
  };
}

/** The {@link SecretsPort} of a real client. */
export function createSecretsPort(client: SecretsManagerClient): SecretsPort {
  return {
    describeSecret: (input) => client.send(new DescribeSecretCommand(input)),
    getSecretValue: (input) => client.send(new GetSecretValueCommand(input)),
    putSecretValue: (input) => client.send(new PutSecretValueCommand(input)),
    updateSecretVersionStage: (input) => client.send(new UpdateSecretVersionStageCommand(input)),
    rotateSecret: (input) => client.send(new RotateSecretCommand(input)),
  };
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
