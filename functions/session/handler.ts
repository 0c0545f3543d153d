import { serve } from '../login-common/serve.ts';
import { wire } from '../login-common/wire.ts';
import { describeSession } from './describe.ts';
import { switchOrganization } from './switch.ts';

/** The `session` function. */
export const handler = serve(wire(process.env), {
  'GET /session': describeSession,
  'POST /session': switchOrganization,
});
