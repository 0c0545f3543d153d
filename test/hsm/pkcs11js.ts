import { registerHooks } from 'node:module';

// As the application that installs it would have it: from this folder.
registerHooks({
  resolve: (name, context, next) =>
    next(name, name === 'pkcs11js' ? { ...context, parentURL: import.meta.url } : context),
});
