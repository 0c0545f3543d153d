/** Where every metric of the system goes. Its alarms look there. */
export const METRICS_NAMESPACE = 'helseid-zones';

/** Where the self-service API takes and shows a client's keys, below its base URL. */
export const SELF_SERVICE_PATH = '/v1/client-secret';

/** The variable of a function that names a thing of its own, for who sets it and who reads it: table `open-letters` is `OPEN_LETTERS_TABLE`. */
export function ownVariable(kind: 'api' | 'table' | 'queue' | 'secret' | 'client-keys', name: string) {
  return `${name}_${kind}`.replaceAll('-', '_').toUpperCase();
}
