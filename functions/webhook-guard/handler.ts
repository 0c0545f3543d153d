import { type AnySystem, connectZone } from '@helseid-zones/client/connect-zone';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { ownVariable } from '@helseid-zones/protocol/names';
import * as v from 'valibot';
import { guardWebhooks } from './guard.ts';

const zone = connectZone<AnySystem>();
const answer = v.object({ SecretString: v.string() });

/** The function's own code, which lies beside this in its asset. */
const own: { handler: Parameters<typeof guardWebhooks>[1] } = await import(
  new URL('./own.mjs', import.meta.url).href
);

/** What Lambda runs of a function with a route that has `authorize: 'webhook'`: {@link guardWebhooks}, then the function's own handler. */
export const handler = guardWebhooks(
  {
    routes: zone.routes,
    audit: zone.log.audit,
    async readSecret(name) {
      const SecretId = zone.variable(ownVariable('secret', name));
      const target = 'secretsmanager.GetSecretValue';
      const asked = { service: 'secretsmanager', target, version: '1.1', input: { SecretId } } as const;
      const parsed = v.safeParse(answer, await zone.aws.json({ ...asked, repeatable: true }));
      if (!parsed.success) throw new ZonesError('config_invalid', `The secret ${name} is no text.`);
      return parsed.output.SecretString;
    },
  },
  own.handler,
);
