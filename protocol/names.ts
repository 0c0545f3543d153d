/** Where every metric of the system goes. Its alarms look there. */
export const METRICS_NAMESPACE = 'helseid-zones';

/** Where the self-service API takes and shows a client's keys, below its base URL. */
export const SELF_SERVICE_PATH = '/v1/client-secret';
