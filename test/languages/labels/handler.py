"""A function of test/own-things.zones.ts: says what it was given, or does what the event asks for."""

import json
import os
import socket
import ssl
import urllib.request

GREETING = os.environ["GREETING"]


def handler(event, context):
    print(json.dumps({"code": "label.printed", "requestId": context.aws_request_id}))
    if "fail" in event:
        raise ValueError(event["fail"])
    if "exit" in event:
        os._exit(event["exit"])
    if "connect" in event:
        with socket.create_connection(event["connect"], 5):
            return "connected"
    if "get" in event:
        with urllib.request.urlopen(event["get"], timeout=5, context=ssl.create_default_context()) as answer:
            return answer.read().decode()
    return {"event": event, "greeting": GREETING, "left": context.get_remaining_time_in_millis()}
