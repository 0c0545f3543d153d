import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { refuse } from '../../../../local/app/page/guard.ts';

const refusalOf = (method: string, headers: Record<string, string>, url = '/') =>
  refuse({ method, headers, url, socket: new Socket() } as unknown as IncomingMessage, 3001);

const HOST = { host: 'localhost:3001' };
const PAGE = { ...HOST, origin: 'http://localhost:3001', 'sec-fetch-site': 'same-origin' };

describe('the page is served', () => {
  test.each<[string, string, Record<string, string>, string]>([
    ['to a browser that is told to go there', 'GET', { ...HOST, 'sec-fetch-site': 'none' }, '/'],
    [
      'to one that follows a link',
      'GET',
      { ...HOST, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      '/',
    ],
    ['to its own script', 'GET', { ...HOST, 'sec-fetch-site': 'same-origin' }, '/events'],
    ['to its own buttons', 'POST', PAGE, '/send'],
    [
      'by address as well',
      'POST',
      { host: '127.0.0.1:3001', origin: 'http://127.0.0.1:3001', 'sec-fetch-site': 'same-origin' },
      '/send',
    ],
    ['to a program that is no browser', 'GET', HOST, '/events'],
  ])('%s', (_, method, headers, url) => {
    expect(refusalOf(method, headers, url)).toBeUndefined();
  });
});

test('with TLS its origin is another', () => {
  const headers = { ...PAGE, origin: 'https://localhost:3001' };
  const request = { method: 'POST', headers, url: '/send' };
  const served = (socket: Socket) => refuse({ ...request, socket } as unknown as IncomingMessage, 3001);
  expect(served(new TLSSocket(new Socket()))).toBeUndefined();
  expect(served(new Socket())).toBeTypeOf('string');
});

describe('it is not served', () => {
  test.each<[string, string, Record<string, string>, string]>([
    ['under a name of another site that points here', 'GET', { host: 'attacker.example:3001' }, '/'],
    ['under another port', 'GET', { host: 'localhost:3000' }, '/'],
    ['without a Host header', 'GET', {}, '/'],
    ['as data to a page of another site', 'GET', { ...HOST, 'sec-fetch-site': 'cross-site' }, '/events'],
    ['as data to a page on another port', 'GET', { ...HOST, 'sec-fetch-site': 'same-site' }, '/events'],
    [
      'as data by a link',
      'GET',
      { ...HOST, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
      '/events',
    ],
    ['to a form of another site', 'POST', { ...PAGE, origin: 'https://attacker.example' }, '/send'],
    ['to a form of no origin', 'POST', { ...PAGE, origin: 'null' }, '/send'],
    ['to a POST without an origin', 'POST', HOST, '/send'],
    ['to a page on another port that posts', 'POST', { ...PAGE, origin: 'http://localhost:3000' }, '/send'],
    ['to other methods', 'PUT', PAGE, '/send'],
  ])('%s', (_, method, headers, url) => {
    expect(refusalOf(method, headers, url)).toBeTypeOf('string');
  });
});
