/**
 * Resolves with the first signal that asks this process to end; a second one, of whichever kind, ends it at once, and its functions
 * with it. Where npm started it, also when that is gone.
 */
export function waitForEnd(npmIsThere: (() => boolean) | undefined): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(130);
        asked = true;
        resolve(signal);
      });
    }
    if (npmIsThere === undefined) return;
    const look = () => npmIsThere() || resolve('SIGHUP');
    look();
    setInterval(look, 500).unref();
  });
}
