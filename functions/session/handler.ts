import { wire } from '../login-common/dependencies.ts';
import { serve } from '../login-common/serve.ts';
import { describeSession, switchOrganization } from './routes.ts';

/** The `session` function. */
export const handler = serve(wire(process.env), {
  'GET /session': describeSession,
  'POST /session': switchOrganization,
});
