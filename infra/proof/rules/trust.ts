import { hasUnknown } from '../assembly/unknown.ts';
import type { Role } from '../policy/world/world.ts';

/** Services that use a role for one thing of their own and let nobody say what it does. */
const CLOSED_SERVICES = ['vpc-flow-logs.amazonaws.com'];

/** Whether only a service that lets nobody say what is done with a role can become it. */
export function isClosed(role: Role): boolean {
  return trustedServices(role)?.every((service) => CLOSED_SERVICES.includes(service)) ?? false;
}

/** The services that a role's trust policy lets become it; undefined where it lets anybody else, or nobody. */
export function trustedServices({ trust }: Role): readonly string[] | undefined {
  const allows = trust.statements.filter(({ effect }) => effect === 'Allow');
  const closed = allows.every(
    ({ principals }) =>
      principals !== undefined &&
      !principals.everybody &&
      principals.aws.length === 0 &&
      principals.others.length === 0 &&
      !principals.services.some(hasUnknown),
  );
  const services = allows.flatMap(({ principals }) => principals?.services ?? []);
  return closed && services.length > 0 ? services : undefined;
}
