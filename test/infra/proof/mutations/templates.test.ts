import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { adds, each, findingsOf, mutations, STACKS, sets } from '../mutate.ts';
import { oneClient } from '../one-client.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

mutations(
  'no-key-material',
  {
    'public: a PEM in an environment': sets('summaryFunction', {
      Environment: { Variables: { KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }) } },
    }),
    'admin: a JWK in a parameter': adds('AWS::SSM::Parameter', {
      Value: JSON.stringify(privateKey.export({ format: 'jwk' })),
    }),
    'gateway: a secret with a key in it': adds('AWS::SecretsManager::Secret', {
      SecretString: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    }),
  },
  [
    [
      'journal-public-login',
      'index.mjs',
      'a key in code',
      (text) => `${text};"${privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')}"`,
    ],
    [
      'journal-internal-worker',
      'config.json',
      'a key in a configuration',
      (text) => text.replace('{', `{"k":${JSON.stringify(privateKey.export({ format: 'jwk' }))},`),
    ],
  ],
);

// What lets somebody in, leads out, runs code or keeps what a zone has: no list of it could be whole, so each is merely unknown.
mutations(
  'resource-types-are-known',
  each(
    [
      'admin: AWS::CloudFormation::Stack',
      'admin: AWS::IAM::AccessKey',
      'gateway: AWS::IAM::OIDCProvider',
      'internal: AWS::EC2::TransitGatewayVpcAttachment',
      'internal: AWS::Events::EventBusPolicy',
      'internal: AWS::Scheduler::Schedule',
      'public: AWS::ApiGatewayV2::Api',
      'public: AWS::CodeBuild::Project',
      'public: AWS::DynamoDB::GlobalTable',
      'admin: AWS::Route53Resolver::FirewallConfig',
      'public: AWS::EC2::DHCPOptions',
      'public: AWS::EC2::VPCCidrBlock',
      'public: AWS::EC2::VPCPeeringConnection',
      'public: AWS::Made::Up',
      'public: AWS::NetworkFirewall::TLSInspectionConfiguration',
      'public: AWS::WAFv2::LoggingConfiguration',
      'signing: AWS::EC2::VPCEndpointService',
      'signing: AWS::IAM::User',
      'signing: AWS::KMS::ReplicaKey',
      'signing: AWS::Lambda::EventInvokeConfig',
      'signing: AWS::Lambda::Url',
      'signing: AWS::Lambda::Version',
      'signing: AWS::RAM::ResourceShare',
      'signing: AWS::Route53Resolver::ResolverQueryLoggingConfig',
      'signing: AWS::Route53Resolver::ResolverRule',
      'signing: AWS::SecretsManager::ResourcePolicy',
      'signing: Custom::VpcRestrictDefaultSG',
    ] as const,
    (name) => name,
    (name) => adds(name.replace(/^\w+: /, '')),
  ),
);

mutations('templates-are-final', {
  'admin: a macro': sets('KeyAlarmsTopic5', { DisplayName: { 'Fn::Transform': { Name: 'Macro' } } }),
});

it.each([
  ['Globals', ['The template of journal-signing has Globals, which is not understood.']],
  ['Hooks', ['The template of journal-signing has hooks that run while it is deployed.']],
  ['Metadata', []],
  ['Description', []],
])('a template with the section %s', (section, expected) => {
  const stacks = oneClient.stacks.map((stack) =>
    stack.name === STACKS.signing ? { ...stack, template: { ...stack.template, [section]: {} } } : stack,
  );
  expect(findingsOf('templates-are-final', { stacks }).map(({ message }) => message)).toEqual(expected);
});
