import { wire } from '../login-common/dependencies.ts';
import { serve } from '../login-common/serve.ts';
import { finishLogin } from './finish.ts';

/** The `callback` function. */
export const handler = serve(wire(process.env), { 'GET /callback': finishLogin });
