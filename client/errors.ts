/** What is known of a request that got no answer. */
export type NetworkFacts = {
  /** `name` (DNS does not know the host), `certificate`, `timeout` or `connection`. */
  network?: string;
  /** Node's own code. */
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
    /** The signer could not be asked. */
    signer_unavailable: AwsFacts;
    signer_answer_invalid: object;
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
    redirect_refused: { status: number; target: string };
    /** A stream would have to be sent twice. */
    body_not_replayable: object;
    request_aborted: object;
    /** The authorization response is not ours, or an error; then with the issuer's words, which came through the browser. */
    login_refused: { error?: string; error_description?: string };
    login_too_old: UnkeptFacts;
    id_token_invalid: UnkeptFacts;
    person_mismatch: UnkeptFacts & { differs?: string };
  }
}
