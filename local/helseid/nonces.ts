import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** DPoP nonces (RFC 9449 8) that need no storage: the time they were made, and a MAC of it. */
export interface Nonces {
  /** A new nonce. */
  next(): string;
  /** Whether it is one of ours and young enough. */
  accepts(nonce: string): boolean;
}

/** Nonces that hold for `lifetime()` seconds; with 0 none is ever accepted, which keeps a client asking. */
export function createNonces(lifetime: () => number, now: () => number = Date.now): Nonces {
  const secret = randomBytes(32);
  const mac = (time: string) => createHmac('sha256', secret).update(time).digest('base64url');
  return {
    next() {
      const time = now().toString(36);
      return `${time}.${mac(time)}`;
    },
    accepts(nonce) {
      const [time = '', sent = ''] = nonce.split('.');
      const [expected, given] = [Buffer.from(mac(time)), Buffer.from(sent)];
      if (expected.length !== given.length || !timingSafeEqual(expected, given)) return false;
      return now() - Number.parseInt(time, 36) < lifetime() * 1000;
    },
  };
}
