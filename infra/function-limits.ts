import { STREAM_SECONDS } from '@helseid-zones/protocol/login-routes';
import { Duration } from 'aws-cdk-lib';
import { EVENT_TIMEOUT_SECONDS } from './constructs/event-entry.ts';
import { AUTHORIZER_FUNCTION } from './declaration/fields.ts';
import type { ZoneDeclaration } from './declaration/schema.ts';

/** How long a function may run, and how many at a time. */
export interface FunctionLimits {
  timeout: Duration;
  concurrency?: number;
}

/** Functions whose limits are not those of a request. */
const LIMITS: Readonly<Record<string, FunctionLimits>> = {
  // A new key may take the issuer a good while to honour; two rotations at once would fight over the record.
  rotation: { timeout: Duration.minutes(15), concurrency: 1 },
  'key-watch': { timeout: Duration.minutes(5), concurrency: 1 },
  api: { timeout: Duration.seconds(STREAM_SECONDS - 2) },
  [AUTHORIZER_FUNCTION]: { timeout: Duration.seconds(10) },
};

/** API Gateway waits 29 seconds; a function that is stopped a little before can still be seen to be. */
const REQUEST_LIMITS: FunctionLimits = { timeout: Duration.seconds(28) };

/** Limits of one function of a zone. */
export function functionLimits(zone: ZoneDeclaration, name: string): FunctionLimits {
  if (zone.events?.function === name) return { timeout: Duration.seconds(EVENT_TIMEOUT_SECONDS) };
  return LIMITS[name] ?? REQUEST_LIMITS;
}
