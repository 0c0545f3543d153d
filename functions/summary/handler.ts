import { readFileSync } from 'node:fs';
import { Logger } from '@aws-lambda-powertools/logger';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { wireApi } from '../common/zone-client.ts';
import { fetchSummary } from './fetch-summary.ts';

const config = readFileSync(new URL('./config.json', import.meta.url), 'utf8');
const summaries = wireApi(config, process.env, 'summaries');
const { system, zone } = summaries;
const logger = new Logger({ serviceName: system, persistentKeys: { zone } });

/** Reads one summary: API Gateway's `GET /summaries/{id}`. */
export const handler = (event: APIGatewayProxyEvent) =>
  fetchSummary({ ...summaries, audit: (code, facts) => logger.error(code, { ...facts }) }, event);
