import { forbidTypes } from '../forbid-types.ts';

/** No template makes identities other than roles: users, access keys, identity providers, organization policies. */
export const noOtherIdentities = forbidTypes({
  name: 'no-other-identities',
  invariant: 'I1',
  title:
    'No template makes identities other than roles: users, access keys, identity providers, organization policies.',
  types: {
    'AWS::IAM::User': 'is an identity with long-lived credentials',
    'AWS::IAM::AccessKey': 'is a long-lived credential, and its secret is in the stack’s outputs or events',
    'AWS::IAM::Group': 'gives users permissions',
    'AWS::IAM::UserPolicy': 'gives a user permissions',
    'AWS::IAM::GroupPolicy': 'gives users permissions',
    'AWS::IAM::UserToGroupAddition': 'gives a user permissions',
    'AWS::IAM::InstanceProfile': 'lends a role to machines',
    'AWS::IAM::OIDCProvider': 'lets another issuer’s identities become roles',
    'AWS::IAM::SAMLProvider': 'lets another issuer’s identities become roles',
    'AWS::IAM::ServiceLinkedRole': 'is a role whose policies AWS decides',
    'AWS::Cognito::*': 'gives strangers credentials',
    'AWS::RolesAnywhere::*': 'lets certificates become roles',
    'AWS::SSO::*': 'gives people permissions in the account',
    'AWS::Organizations::*': 'changes what the account may do',
    'AWS::VerifiedPermissions::*': 'decides permissions where the proof does not look',
  },
  remedy: 'Remove it. Functions have roles, and people sign in elsewhere.',
});
