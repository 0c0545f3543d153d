import { readFileSync } from 'node:fs';
import { createLog } from '../common/log.ts';
import { serveRoutes } from '../common/route.ts';
import { wireApi } from '../common/zone-client.ts';
import { fetchSummary } from './fetch-summary.ts';

const config = readFileSync(new URL('./config.json', import.meta.url), 'utf8');
const { env } = process;
const summaries = wireApi(config, env, 'summaries');
const { system, zone, routes } = summaries;
const { audit } = createLog({ service: system, zone, env });

/** Reads one summary: API Gateway's `GET /summaries/{id}`. */
export const handler = serveRoutes(routes, audit, (event) => fetchSummary({ ...summaries, audit }, event));
