import { serve } from '../login-common/serve.ts';
import { wire } from '../login-common/wire.ts';
import { forwardCall } from './forward.ts';

/** The `api` function. Its routes are the declared ones. */
export const handler = serve(wire(process.env), forwardCall);
