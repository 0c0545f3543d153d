/**
 * Runs after `npm ci` in a clone. The optional dependencies carry a third party's package of Node 24, and npm would put it first in the
 * PATH of every script, by node_modules/.bin. There it may be only where the host's Node is too old; and there it must be made, since
 * npm 10, which comes with Node 20, removes the link with those of the other platforms' packages.
 * Plain JavaScript, since the host's Node may be too old for TypeScript. Ends with 1 where neither will do.
 */
import { existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';

/** Node 24 with the security releases of January 2026: https://nodejs.org/en/blog/vulnerability/december-2025-security-releases */
const OLDEST = [24, 13, 0];

// `npm/11.19.1 node/v20.20.2 linux x64 …` tells which Node runs npm: this script may be run by the carried one already.
const agent = /node\/v(\S+) (\w+ \w+)/.exec(process.env.npm_config_user_agent ?? '');
const [host, platform] = agent?.slice(1) ?? [process.versions.node, `${process.platform} ${process.arch}`];

const windows = platform.startsWith('win32');
const carried = `node-${platform.replace('win32', 'win').replace(' ', '-')}/bin/${windows ? 'node.exe' : 'node'}`;

for (const file of ['node', 'node.cmd', 'node.ps1']) rmSync(`node_modules/.bin/${file}`, { force: true });
if (isTooOld(host)) {
  if (existsSync(`node_modules/${carried}`)) putFirst();
  else refuse();
}

function putFirst() {
  if (windows)
    writeFileSync('node_modules/.bin/node.cmd', `@"%~dp0..\\${carried.replaceAll('/', '\\')}" %*\r\n`);
  else symlinkSync(`../${carried}`, 'node_modules/.bin/node');
  console.log(`Node ${host} is older than ${OLDEST.join('.')}: scripts run on the Node 24 in node_modules.`);
}

function refuse() {
  console.error(
    `Node ${host} is too old, and npm has no Node 24 with its security releases for ${platform}. ` +
      `Install Node ${OLDEST.join('.')} or newer from https://nodejs.org, then run npm ci again.`,
  );
  process.exitCode = 1;
}

function isTooOld(version) {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  const differing = OLDEST.findIndex((part, index) => part !== parts[index]);
  return differing !== -1 && parts[differing] < OLDEST[differing];
}
