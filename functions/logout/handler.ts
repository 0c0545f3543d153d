import { wire } from '../login-common/dependencies.ts';
import { serve } from '../login-common/serve.ts';
import { endByIssuer, endLogin, showLoggedOut } from './end.ts';

/** The `logout` function. */
export const handler = serve(wire(process.env), {
  'POST /logout': endLogin,
  'GET /logout/callback': showLoggedOut,
  'POST /logout/backchannel': endByIssuer,
});
