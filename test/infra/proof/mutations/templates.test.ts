import { generateKeyPairSync } from 'node:crypto';
import { ADMIN, adds, GATEWAY, mutations, PUBLIC, SIGNING, sets, signer } from '../mutate.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

mutations('no-deploying-resources', 'I1', {
  [SIGNING]: {
    'a custom resource': adds('Custom::VpcRestrictDefaultSG', { ServiceToken: signer('public') }),
  },
  [ADMIN]: {
    'a nested stack': adds('AWS::CloudFormation::Stack'),
  },
  [PUBLIC]: {
    'a build project': adds('AWS::CodeBuild::Project'),
  },
});

mutations(
  'no-key-material',
  'I6',
  {
    [PUBLIC]: {
      'a PEM in an environment': sets('summaryFunction', {
        Environment: { Variables: { KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }) } },
      }),
    },
    [ADMIN]: {
      'a JWK in a parameter': adds('AWS::SSM::Parameter', {
        Value: JSON.stringify(privateKey.export({ format: 'jwk' })),
      }),
    },
    [GATEWAY]: {
      'a secret with a key in it': adds('AWS::SecretsManager::Secret', {
        SecretString: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
      }),
    },
  },
  [
    {
      name: 'a key in code',
      of: 'journal-public-login',
      file: 'index.mjs',
      change: (text) => `${text};"${privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')}"`,
    },
    {
      name: 'a key in a configuration',
      of: 'journal-internal-worker',
      file: 'config.json',
      change: (text) => text.replace('{', `{"k":${JSON.stringify(privateKey.export({ format: 'jwk' }))},`),
    },
  ],
);

mutations('resource-types-are-known', 'I1', {
  [PUBLIC]: {
    'a type that nobody knows': adds('AWS::Made::Up'),
  },
});

mutations('templates-are-final', 'I1', {
  [ADMIN]: {
    'a macro': sets('KeyAlarmsTopic5', { DisplayName: { 'Fn::Transform': { Name: 'Macro' } } }),
  },
});
