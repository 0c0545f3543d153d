import { generateKeyPairSync } from 'node:crypto';
import { adds, mutations, sets, signer } from '../mutate.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

mutations('no-deploying-resources', {
  'signing: a custom resource': adds('Custom::VpcRestrictDefaultSG', { ServiceToken: signer('public') }),
  'admin: a nested stack': adds('AWS::CloudFormation::Stack'),
  'public: a build project': adds('AWS::CodeBuild::Project'),
});

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

mutations('resource-types-are-known', {
  'public: a type that nobody knows': adds('AWS::Made::Up'),
});

mutations('templates-are-final', {
  'admin: a macro': sets('KeyAlarmsTopic5', { DisplayName: { 'Fn::Transform': { Name: 'Macro' } } }),
});
