"""What Lambda's Python runtime does, as far as the local system needs it: loads the handler and asks the Runtime API for one
invocation after another. Only the standard library, so that a function needs no more here than on AWS. It is not deployed."""

import http.client
import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback

env = os.environ
HOST, _, TOKEN = env["AWS_LAMBDA_RUNTIME_API"].partition("/")
ALLOWED = {place.lower() for place in env.get("LOCAL_REACHABLE", "").split(",")} | {HOST}
PORTS = {place.rpartition(":")[2] for place in ALLOWED}


def restrict(event, args):
    """As egress.mjs does for Node.js: it keeps honest code honest, and stops none that wants out."""
    if event == "socket.getaddrinfo" and f"{args[0]}:{args[1]}".lower() not in ALLOWED:
        raise OSError(f"{args[0]}:{args[1]} is not reached from this network")
    if event == "socket.connect" and isinstance(args[1], tuple) and str(args[1][1]) not in PORTS:
        raise ConnectionRefusedError(f"{args[1][0]}:{args[1][1]} is not reached from this network")


def ask(method, path, body=None):
    connection = http.client.HTTPConnection(HOST)
    connection.request(method, f"/{TOKEN}/2018-06-01/runtime/{path}", body)
    answer = connection.getresponse()
    return answer.headers, answer.read()


def describe(error):
    trace = traceback.format_exception(error)
    print("".join(trace), file=sys.stderr)
    return json.dumps({"errorType": type(error).__name__, "errorMessage": str(error), "stackTrace": trace})


class Context:
    function_name = env["AWS_LAMBDA_FUNCTION_NAME"]
    function_version = env["AWS_LAMBDA_FUNCTION_VERSION"]
    memory_limit_in_mb = env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
    log_group_name = env["AWS_LAMBDA_LOG_GROUP_NAME"]
    log_stream_name = env["AWS_LAMBDA_LOG_STREAM_NAME"]

    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers["lambda-runtime-invoked-function-arn"]
        self.deadline = int(headers["lambda-runtime-deadline-ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self.deadline - int(time.time() * 1000))


def load():
    module, _, name = env["_HANDLER"].rpartition(".")
    sys.path.insert(0, env["LAMBDA_TASK_ROOT"])
    return getattr(importlib.import_module(module.replace("/", ".")), name)


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


signal.signal(signal.SIGINT, signal.SIG_IGN)
threading.Thread(target=end_with_parent, daemon=True).start()
if "LOCAL_REACHABLE" in env:
    sys.addaudithook(restrict)
try:
    handler = load()
except Exception as error:
    ask("POST", "init/error", describe(error))
    sys.exit(1)
while True:
    headers, body = ask("GET", "invocation/next")
    context = Context(headers)
    env["_X_AMZN_TRACE_ID"] = headers["lambda-runtime-trace-id"]
    try:
        path, answer = "response", json.dumps(handler(json.loads(body), context))
    except Exception as error:
        path, answer = "error", describe(error)
    ask("POST", f"invocation/{context.aws_request_id}/{path}", answer)
