/** What is known of a request that got no answer. */
export type NetworkFacts = {
  /** `name` (DNS does not know the host), `certificate`, `proxy` (it refused), `timeout` or `connection`. */
  network?: string;
  /** Node's own code; of a proxy the status that it answered. */
  network_code?: string;
};

/** What AWS answered. */
interface AwsFacts extends NetworkFacts {
  service?: string;
  status?: number;
  /** AWS's own error code. */
  error?: string;
}

/** What comes of tokens that were not accepted. */
interface UnkeptFacts {
  status?: number;
  /** Why their revocation failed; absent where it did not. */
  revocation?: string;
}

declare module '@helseid-zones/protocol/errors' {
  /** Of the token client and its API calls. */
  interface ErrorFacts {
    aws_refused: AwsFacts;
    aws_throttled: AwsFacts;
    aws_unavailable: AwsFacts;
    /** The signer could not be asked. `retry_after`, in seconds: it has as much to do as it may at a time. */
    signer_unavailable: AwsFacts & { retry_after?: number };
    signer_answer_invalid: object;
    /** The zone's tokens function could not be asked. */
    tokens_unavailable: AwsFacts & { retry_after?: number };
    tokens_answer_invalid: object;
    /** An API refused a token that took a refused one's place a moment ago: what it refuses is something else. */
    renewal_limited: object;
    metadata_invalid: { attribute?: string; status?: number };
    issuer_unreachable: NetworkFacts & { status?: number };
    /** The authorization server's own words (RFC 6749 5.2). */
    token_refused: { error: string; error_description?: string; status: number };
    token_invalid: UnkeptFacts;
    /** A server refuses the nonce that it gave out itself. */
    nonce_loop: object;
    /** Two things are bound to two keys that shall be bound to one. */
    binding_mismatch: UnkeptFacts & { expected?: string; actual?: string };
    api_unreachable: NetworkFacts;
    /** An API's answer to a zone function. */
    api_refused: { status?: number };
    /** One that can't be passed on. */
    api_answer_unusable: { api?: string; status: number };
    redirect_refused: { status: number; target: string };
    /** A stream would have to be sent twice. */
    body_not_replayable: object;
    request_aborted: object;
    /** The authorization response is not ours, or an error; then with the issuer's words, which came through the browser. */
    login_refused: { error?: string; error_description?: string };
    login_too_old: UnkeptFacts;
    id_token_invalid: UnkeptFacts;
    person_mismatch: UnkeptFacts & { differs?: string };
    /** HelseID's self-service API. */
    self_service_refused: { status?: number };
    self_service_unreachable: { status?: number; field?: string };
  }
}

/** What keeps an answer from coming, by the codes of Node and undici. */
const FAILURES: readonly [codes: RegExp, network: 'name' | 'certificate' | 'timeout' | 'connection'][] = [
  [/^(ENOTFOUND|EAI_)/, 'name'],
  [/CERT|CRL|^UNABLE_TO_|^INVALID_(CA|PURPOSE)$|^(HOSTNAME_MISMATCH|PATH_LENGTH_EXCEEDED)$/, 'certificate'],
  [/^ETIMEDOUT$|^UND_ERR_\w+_TIMEOUT$/, 'timeout'],
  [/^E[A-Z0-9]+$|^(UND_ERR|HPE|ERR_SSL)_/, 'connection'],
];

/**
 * Why no answer came, as facts for a log: `network` is `name` (DNS does not know the host), `certificate` (it is not
 * trusted), `proxy` (it refused the way there), `timeout` or `connection`, and `network_code` Node's own code or the proxy's status.
 * Nothing where the error does not say.
 */
export function describeNetworkFailure(error: unknown): NetworkFacts {
  if (!(error instanceof Error)) return {};
  if (error.name === 'TimeoutError') return { network: 'timeout' };
  const proxy = /^Proxy response \((\d{3})\)/.exec(error.message)?.[1];
  if (proxy) return { network: 'proxy', network_code: proxy };
  const code = 'code' in error ? String(error.code) : '';
  const network = FAILURES.find(([codes]) => codes.test(code))?.[1];
  return network ? { network, network_code: code } : describeNetworkFailure(error.cause);
}
