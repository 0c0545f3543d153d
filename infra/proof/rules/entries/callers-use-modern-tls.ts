import { type Rule, resourceRule } from '../rule.ts';

/** TLS 1.2 or newer, forward secrecy in every suite. {@link https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies-list.html} */
const POLICIES: readonly unknown[] = [
  'SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09',
  'SecurityPolicy_TLS13_1_2_FIPS_PFS_PQ_2025_09',
  'SecurityPolicy_TLS13_1_3_2025_09',
  'SecurityPolicy_TLS13_1_3_FIPS_2025_09',
];

/** APIs and their custom domains take TLS 1.2 or newer with forward secrecy only. */
export const callersUseModernTls: Rule = resourceRule({
  name: 'callers-use-modern-tls',
  invariant: 'I8',
  title: 'APIs and their domain names take TLS 1.2 or newer with forward secrecy only.',
  of: ['AWS::ApiGateway::RestApi', 'AWS::ApiGateway::DomainName', 'AWS::ApiGateway::DomainNameV2'],
  problems: ({ properties: { SecurityPolicy: policy = 'no SecurityPolicy' } }) => [
    !POLICIES.includes(policy) &&
      `has ${String(policy)}, which lets callers use older TLS or suites without forward secrecy`,
  ],
  remedy: `Set SecurityPolicy to ${String(POLICIES[0])} and EndpointAccessMode to BASIC or STRICT.`,
});
