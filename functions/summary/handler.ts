import { type AnySystem, connectZone } from '@helseid-zones/client/connect-zone';
import { fetchSummary } from './fetch-summary.ts';

// Of several declarations, not of zones.ts alone: so its names are not held against that one.
const zone = connectZone<AnySystem>();
const summaries = zone.api('summaries');

/** Reads one summary: API Gateway's `GET /summaries/{id}`. */
export const handler = zone.route((event) => fetchSummary(summaries, event));
