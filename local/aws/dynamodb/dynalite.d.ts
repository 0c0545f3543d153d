declare module 'dynalite/db/index.js' {
  /** Opens the store that operations work on. */
  export function create(options: {
    path?: string | undefined;
    createTableMs?: number;
    deleteTableMs?: number;
  }): { lifecycleManager: { gracefulClose(): Promise<void> } };
}

declare module 'dynalite/validations/index.js' {
  /** The members of an input that an operation has, by their types. */
  export function checkTypes(input: object, types: object): object;
  /** Throws DynamoDB's error, in `statusCode` and `body`, for an input that the operation refuses. */
  export function checkValidations(input: object, types: object, custom: unknown, store: object): void;
  export function toLowerFirst(operation: string): string;
}
