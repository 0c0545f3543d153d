import { NO_ZONE } from '../actors.ts';
import { actionsOf, capabilityRule } from '../capability.ts';

/** A role writes the logs of its own zone only, and reads none. */
export const logsAreOwn = capabilityRule({
  name: 'logs-are-own',
  invariant: 'I7',
  title: 'A role writes the logs of its own zone only, and reads none.',
  actions: actionsOf({
    logs: `
      CreateLogGroup CreateLogStream DescribeLogGroups DescribeLogStreams FilterLogEvents GetLogEvents
      GetLogRecord GetQueryResults PutLogEvents StartLiveTail StartQuery TagResource Unmask
    `,
  }),
  // API Gateway takes its role only when it may do all of this everywhere; API Gateway alone can become it.
  who: ({ stack, kind }) => kind !== 'service' || !stack.includes('-gateway-account'),
  allows: ({ zone, role, region }, { declaration }) => {
    if (zone === NO_ZONE) return [];
    const group = (name: string) => `arn:aws:logs:${region}:${role.account}:log-group:${name}:*`;
    return [
      {
        actions: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
        resources: [group(`/${declaration.name}/${zone}/*`)],
        requires: [],
      },
    ];
  },
  remedy: 'Name the log group of the function itself.',
});
