/** Functions run on `nodejs24.x`, and what deploys and proves them is written for the same Node. */
const LEAST = 24;

/** What to say, and do nothing, where the Node that runs this is older; else undefined. */
export const oldNode: string | undefined =
  Number.parseInt(process.versions.node, 10) < LEAST
    ? `@helseid-zones/infra needs Node ${LEAST}, the Lambda runtime of its functions, and this is ${process.version}: run it with a newer one.`
    : undefined;
