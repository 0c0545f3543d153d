import { wire } from '../login-common/dependencies.ts';
import { serve } from '../login-common/serve.ts';
import { beginLogin } from './begin.ts';

/** The `login` function. */
export const handler = serve(wire(process.env), { 'GET /login': beginLogin });
