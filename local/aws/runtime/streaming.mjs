/**
 * Response streaming in the local runtime: the `awslambda` global of Lambda's Node.js runtime, and the stream that a handler
 * writes to. Plain JavaScript for the same reason as bootstrap.mjs; not deployed.
 */
const { Writable } = process.getBuiltinModule('node:stream');

const STREAMING = Symbol('streaming handler');
const HTTP_RESPONSE = 'application/vnd.awslambda.http-integration-response';
const ERROR_TRAILERS = ['Lambda-Runtime-Function-Error-Type', 'Lambda-Runtime-Function-Error-Body'];

/** The global as handlers find it. */
export const awslambda = {
  streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: true }),
  HttpResponseStream: {
    from(stream, head) {
      stream.setContentType(HTTP_RESPONSE);
      stream.setPrelude(Buffer.concat([Buffer.from(JSON.stringify(head)), Buffer.alloc(8)]));
      return stream;
    },
  },
};

/** Whether a handler was wrapped by `awslambda.streamifyResponse`. */
export function isStreaming(handler) {
  return handler[STREAMING] === true;
}

/** The stream for one invocation. `post` opens the request to the Runtime API; it is sent with the first write. */
export function openResponseStream(post) {
  let contentType = 'application/octet-stream';
  let prelude;
  let opened;
  const open = () => {
    if (opened !== undefined) return opened;
    opened = post({
      'content-type': contentType,
      'lambda-runtime-function-response-mode': 'streaming',
      'transfer-encoding': 'chunked',
      trailer: ERROR_TRAILERS,
    });
    if (prelude !== undefined) opened.write(prelude);
    return opened;
  };
  const stream = new Writable({
    write(chunk, _, done) {
      const request = open();
      // An empty chunk would be the last one.
      if (chunk.length === 0 || request.write(chunk)) done();
      else request.once('drain', done);
    },
    final(done) {
      open().end();
      done();
    },
  });
  stream.setContentType = (type) => {
    contentType = type;
  };
  stream.setPrelude = (bytes) => {
    prelude = bytes;
  };
  return {
    stream,
    /** Ends it with the error, as Lambda's runtime tells it: in the trailers. */
    fail(error) {
      const request = open();
      const body = Buffer.from(JSON.stringify(error)).toString('base64');
      request.addTrailers({ [ERROR_TRAILERS[0]]: error.errorType, [ERROR_TRAILERS[1]]: body });
      request.end();
    },
  };
}
