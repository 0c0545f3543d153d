import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

/**
 * Why a request is not served; undefined where it is. The page is for browsers of this machine: the Host header must be
 * the loopback's (a page of another site that has its name point here must not read this one), data is for this page
 * only, and what changes something must come from it. Expects to listen on the loopback.
 */
export function refuse({ method, headers, url, socket }: IncomingMessage, port: number): string | undefined {
  const hosts = [`localhost:${port}`, `127.0.0.1:${port}`];
  const host = headers.host ?? '';
  const scheme = socket instanceof TLSSocket ? 'https' : 'http';
  if (!hosts.includes(host)) return `This page is at ${scheme}://${hosts[0]}.`;
  const site = headers['sec-fetch-site'];
  const mode = headers['sec-fetch-mode'];
  const visits = method === 'GET' && url === '/' && mode === 'navigate';
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !visits)
    return 'Only this page may ask.';
  if (method === 'GET') return undefined;
  if (method !== 'POST') return 'Only GET and POST are served.';
  if (headers.origin !== `${scheme}://${host}`) return 'Only this page may ask.';
  return undefined;
}

/** Headers of everything that the page's server sends. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};
