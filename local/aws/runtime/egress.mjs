/**
 * What a function's process may open connections to: on AWS security groups and the DNS Firewall decide that, here a hook on
 * `connect`. It keeps honest code honest, and stops none that wants out: child processes, native code and UDP do not come by here.
 * Plain JavaScript for the same reason as bootstrap.mjs; not deployed.
 */
const { isIP, Socket } = process.getBuiltinModule('node:net');

const LOOPBACK = /^(localhost|127\.|::1$)/;

/** Lets connections to `allowed` (`host:port`) through and has all others fail as they do on AWS. */
export function restrictConnections(allowed) {
  const { connect } = Socket.prototype;
  Socket.prototype.connect = function restricted(...args) {
    const { host, port, path } = readTarget(args);
    if (path !== undefined || allowed.has(`${host}:${port}`)) return connect.apply(this, args);
    const failure = failureOf(host, port);
    // A security group drops what it does not let through, and says nothing: the caller waits until it gives up.
    if (failure === undefined) this.connecting = true;
    else process.nextTick(() => this.destroy(failure));
    return this;
  };
}

/** The forms that `connect` takes: options, port and host, a path, or a list of arguments that Node has read already. */
function readTarget(args) {
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  if (typeof first === 'object' && first !== null)
    return { host: first.host ?? 'localhost', port: first.port, path: first.path ?? undefined };
  if (typeof first === 'string' && Number.isNaN(Number(first))) return { path: first };
  return { host: typeof second === 'string' ? second : 'localhost', port: first };
}

/** Nobody listens on a function's own loopback, and its resolver knows no other names. */
function failureOf(host, port) {
  if (LOOPBACK.test(host))
    return fail(`connect ECONNREFUSED ${host}:${port}`, 'ECONNREFUSED', { address: host, port });
  return isIP(host) ? undefined : fail(`getaddrinfo ENOTFOUND ${host}`, 'ENOTFOUND', { hostname: host });
}

function fail(message, code, facts) {
  const syscall = message.split(' ')[0];
  return Object.assign(new Error(message), { code, syscall, ...facts });
}
