import { wire } from '../login-common/dependencies.ts';
import { forwardCall } from './forward.ts';
import { serveStreaming } from './stream.ts';

/** The `api` function. Its routes are the declared ones, with integrations that stream. */
export const handler = awslambda.streamifyResponse(serveStreaming(wire(process.env), forwardCall));
