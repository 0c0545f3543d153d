/**
 * What a function's process may open connections to: on AWS security groups and the DNS Firewall decide that, here a hook on
 * `connect`. It keeps honest code honest, and stops none that wants out: docs/decisions/local-system.md lists what does not come by.
 * Loaded by `--require`, which worker threads of every kind and forked processes inherit (`--import` passes by `eval`). What may be
 * reached is in the environment; nothing is where they are given another. Plain JavaScript like bootstrap.mjs; not deployed.
 */
const { BlockList, isIP, Socket } = process.getBuiltinModule('node:net');

/** What leads to the machine itself; an IPv4 address in IPv6 form is checked as the IPv4 address. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('0.0.0.0', 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');
LOOPBACK.addAddress('::', 'ipv6');

const { LOCAL_REACHABLE = '', AWS_LAMBDA_RUNTIME_API = '' } = process.env;
const allowed = new Set([...LOCAL_REACHABLE.split(','), AWS_LAMBDA_RUNTIME_API.split('/')[0]]);
const { connect } = Socket.prototype;

/** Lets connections to what is allowed through and has all others fail as they do on AWS. */
Socket.prototype.connect = function restricted(...args) {
  const { host, port, path } = readTarget(args);
  // Names are the same in any case, and with the root's dot.
  const name = String(host).toLowerCase().replace(/\.$/, '');
  if (path !== undefined || allowed.has(`${name}:${port}`)) return connect.apply(this, args);
  const failure = failureOf(name, port);
  // A security group drops what it does not let through, and says nothing: the caller waits until it gives up.
  const lookup = (_name, _options, answer) => failure && answer(failure);
  // Node's own connecting, so that what is above (TLS, HTTP/2) sees a socket like any other.
  return connect.call(this, { host: 'unreachable.invalid', port, lookup });
};

/** The forms that `connect` takes: options, port and host, a path, or a list of arguments that Node has read already. An empty host or path is none. */
function readTarget(args) {
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  if (typeof first === 'object' && first !== null)
    return { host: first.host || 'localhost', port: first.port, path: first.path || undefined };
  if (typeof first === 'string' && Number.isNaN(Number(first))) return { path: first };
  return { host: (typeof second === 'string' && second) || 'localhost', port: first };
}

/** Nobody listens on a function's own loopback, and its resolver knows no other names. */
function failureOf(host, port) {
  const version = isIP(host);
  if (host === 'localhost' || (version !== 0 && LOOPBACK.check(host, `ipv${version}`)))
    return fail(`connect ECONNREFUSED ${host}:${port}`, 'ECONNREFUSED', { address: host, port });
  return version === 0 ? fail(`getaddrinfo ENOTFOUND ${host}`, 'ENOTFOUND', { hostname: host }) : undefined;
}

function fail(message, code, facts) {
  const syscall = message.split(' ')[0];
  return Object.assign(new Error(message), { code, syscall, ...facts });
}
