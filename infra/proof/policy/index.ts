export { authorize, type Decision, type Request } from './authorize.ts';
export { ALWAYS, all, any, type Condition, evaluate, NEVER, not, reduce } from './condition.ts';
export { decide, type Formula, formulate, type Question } from './decide.ts';
export { comesThrough, networkFacts } from './endpoint.ts';
export { type Context, closedFacts } from './facts.ts';
export { type Principal, principalArn, principalOf, roleName, rolePrincipal } from './principal.ts';
export type { Layer } from './request.ts';
export { satisfiable, simplify, widens } from './solve.ts';
export { type Policy, parsePolicy } from './statement.ts';
export { describeCondition } from './words.ts';
export {
  addResource,
  type Endpoint,
  emptyWorld,
  type Resource,
  type Role,
  removeResource,
  type World,
} from './world/world.ts';
