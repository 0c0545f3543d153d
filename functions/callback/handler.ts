import { serve } from '../login-common/serve.ts';
import { wire } from '../login-common/wire.ts';
import { finishLogin } from './finish.ts';

/** The `callback` function. */
export const handler = serve(wire(process.env), { 'GET /callback': finishLogin });
