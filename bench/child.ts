/**
 * One cold function: loads the module named first, hands it the event named second so many times, and writes to standard error what
 * that took, in milliseconds of the clock and of the processor, and the kB in use after a tenth of the calls and after all. Run with
 * `--expose-gc`.
 */
const [file = '', event = '', calls = '0'] = process.argv.slice(2);
const times = Number(calls);
const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const [start, begun] = [performance.now(), processorTime()];
const { handler } = await import(file);
const [loaded, loading] = [performance.now(), processorTime() - begun];
let first = loaded;
const used: number[] = [];
for (let call = 1; call <= times; call++) {
  await handler(JSON.parse(event), { awsRequestId: `bench-${call}` });
  if (call === 1) first = performance.now();
  if (call !== times / 10 && call !== times) continue;
  global.gc?.();
  used.push(process.memoryUsage().heapUsed / 1000);
}
const told = { load: loaded - start, loading, first: first - loaded, processor: processorTime(), used };
process.stderr.write(JSON.stringify(told));
