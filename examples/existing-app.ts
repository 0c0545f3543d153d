import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { App, type AppProps, RemovalPolicy, Stack, Stage, Validations } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { BlockPublicAccess, Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { addSystem } from '../infra/build-app.ts';
import { defineSystem } from '../infra/declaration/define.ts';
import { boundaryPlugin } from '../infra/proof/plugin.ts';

/**
 * An application that was there before and knows nothing of zones: two stacks in a Stage. It gets one zone whose function asks a
 * signer; with the packages, all comes from `@helseid-zones/infra` and `@helseid-zones/infra/proof/plugin`, but the profile, which
 * `@helseid-zones/client` has.
 */
export function buildClinic(props: AppProps = {}): App {
  const app = new App(props);
  const test = new Stage(app, 'Test');
  addOwnStacks(test);
  addSystem(test, system);
  Validations.of(app).addPlugins(boundaryPlugin(system));
  return app;
}

/** The zone, beside the application's stacks, which the proof takes as somebody else's. */
export const system = defineSystem({
  name: 'clinic',
  otherStacks: ['Test-Data', 'Test-Web'],
  clients: {
    letters: {
      clientId: '7d3b7c1e-52a8-4f5b-8c70-7f2a3c1de001',
      issuer: 'https://helseid-sts.test.nhn.no',
      algorithm: 'ES256',
      tenancy: 'single-tenant',
      profile: helseIdProfile,
    },
  },
  apis: {
    documents: {
      baseUrl: 'https://documents.example.no/fhir',
      audience: 'example:documents',
      scopes: ['example:documents/write'],
    },
  },
  signing: { cidr: '10.70.0.0/20' },
  zones: {
    letters: {
      cidr: '10.71.0.0/20',
      events: { function: 'worker', sources: ['clinic.letters'], detailTypes: ['DocumentCreated'] },
      grants: [
        {
          client: 'letters',
          details: [{ type: 'helseid_authorization', child: '*' }],
          apis: [{ api: 'documents', methods: ['POST'], paths: ['/DocumentReference'] }],
        },
      ],
    },
    admin: { cidr: '10.72.0.0/20', admin: true, grants: [] },
  },
});

/** What the application has of its own: a bucket, a queue, and a function that uses both. */
export function addOwnStacks(scope: Stage | App): void {
  const data = new Stack(scope, 'Data');
  const letters = new Bucket(data, 'Letters', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  const orders = new Queue(data, 'Orders');
  const web = new Stack(scope, 'Web');
  const page = new LambdaFunction(web, 'Page', {
    code: Code.fromInline('exports.handler = async () => ({ statusCode: 200 });'),
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
  });
  letters.grantReadWrite(page);
  orders.grantSendMessages(page);
}
