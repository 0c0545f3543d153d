import { serve } from '../login-common/serve.ts';
import { wire } from '../login-common/wire.ts';
import { beginLogin } from './begin.ts';

/** The `login` function. */
export const handler = serve(wire(process.env), { 'GET /login': beginLogin });
