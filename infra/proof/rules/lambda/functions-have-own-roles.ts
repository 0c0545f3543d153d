import { resourcesOfType } from '../../assembly/resolve.ts';
import { type Rule, violationsOf } from '../rule.ts';

/** Every function has a role of its own, of its own name, in its own stack: IAM tells functions apart by nothing else. */
export const functionsHaveOwnRoles: Rule = {
  name: 'functions-have-own-roles',
  invariant: 'I2',
  title: 'Every function has a role of its own, with its own name, from its own stack.',
  check: ({ assembly, actors }) => {
    const functions = resourcesOfType(assembly, 'AWS::Lambda::Function');
    return functions.flatMap(({ constructPath, physicalId, stack, properties }) => {
      const role = actors.find((actor) => actor.role.arn === properties.Role);
      const sharers = functions.filter(
        (other) => other.properties.Role === properties.Role && other.constructPath !== constructPath,
      );
      const problems = [
        ...(role === undefined ? ['has a role that is not in the templates'] : []),
        ...(role !== undefined && role.stack !== stack ? [`has the role ${role.name} of ${role.stack}`] : []),
        ...(role !== undefined && role.name !== physicalId
          ? [`has the role ${role.name}, which is not of its name`]
          : []),
        ...sharers.map((other) => `shares its role with ${other.physicalId}`),
      ];
      return violationsOf(problems, {
        resource: constructPath,
        subject: `Function ${physicalId}`,
        path: [constructPath, role?.path ?? String(properties.Role), 'whatever that role may do'],
        remedy: 'Give the function a role of its own, with the function’s name.',
      });
    });
  },
};
