import { resourcesOfType } from '../../assembly/resolve.ts';
import { type Rule, violationsOf } from '../rule.ts';

/** TLS 1.2 or newer, forward secrecy in every suite. {@link https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies-list.html} */
const POLICIES: readonly unknown[] = [
  'SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09',
  'SecurityPolicy_TLS13_1_2_FIPS_PFS_PQ_2025_09',
  'SecurityPolicy_TLS13_1_3_2025_09',
  'SecurityPolicy_TLS13_1_3_FIPS_2025_09',
];

/** APIs and their custom domains take TLS 1.2 or newer with forward secrecy only. */
export const callersUseModernTls: Rule = {
  name: 'callers-use-modern-tls',
  invariant: 'I8',
  title: 'APIs and their domain names take TLS 1.2 or newer with forward secrecy only.',
  check: ({ assembly }) =>
    ['AWS::ApiGateway::RestApi', 'AWS::ApiGateway::DomainName', 'AWS::ApiGateway::DomainNameV2']
      .flatMap((type) => resourcesOfType(assembly, type))
      .flatMap(({ constructPath, properties }) =>
        violationsOf(
          POLICIES.includes(properties.SecurityPolicy)
            ? []
            : [
                `has ${String(properties.SecurityPolicy ?? 'no SecurityPolicy')}, which lets callers use older TLS or suites without forward secrecy`,
              ],
          {
            resource: constructPath,
            remedy: `Set SecurityPolicy to ${String(POLICIES[0])} and EndpointAccessMode to BASIC or STRICT.`,
          },
        ),
      ),
};
