import { writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { printed } from './terminal.ts';

/**
 * Says on stderr that a command is at work: after a second in which it printed nothing, then every two. For `node --import`, before the
 * command itself is loaded, which takes its time; and from a thread of its own, since a synth leaves the first one none.
 * @module
 */

/** Milliseconds between two looks, until the first word, and between words. */
const [LOOK, FIRST, AGAIN] = [200, 900, 1900];

function watch(counts: Int32Array): void {
  const began = Date.now();
  let [seen, quietUntil] = [0, began + FIRST];
  const timer = setInterval(() => {
    const [prints = 0, ended = 0] = counts;
    if (ended) return clearInterval(timer);
    const now = Date.now();
    if (prints === seen && now < quietUntil) return;
    if (prints === seen) say(`working, ${Math.round((now - began) / 1000)} s ...`);
    [seen, quietUntil] = [prints, now + AGAIN];
  }, LOOK);
}

function say(what: string): void {
  try {
    writeSync(2, `${what}\n`);
  } catch {
    // Nobody reads it, or not now.
  }
}

if (isMainThread) new Worker(new URL(import.meta.url), { workerData: printed, execArgv: [] }).unref();
else watch(workerData);
