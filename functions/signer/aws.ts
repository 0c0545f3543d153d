const ATTEMPTS = 3;

/**
 * How a signer's clients of AWS try. Three attempts of at most 1.4 s and their backoff end about when a signature would be too
 * old to return. Sockets may die while Lambda has the function frozen, and only using one tells: so fewer are kept idle
 * than there are attempts, and the last attempt is over a new one.
 */
export const AWS_BOUNDS = {
  maxAttempts: ATTEMPTS,
  requestHandler: {
    connectionTimeout: 700,
    requestTimeout: 1400,
    throwOnRequestTimeout: true,
    httpAgent: { keepAlive: true, maxFreeSockets: ATTEMPTS - 1 },
    httpsAgent: { keepAlive: true, maxFreeSockets: ATTEMPTS - 1 },
  },
};
