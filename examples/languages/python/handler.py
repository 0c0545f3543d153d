"""Reads a summary with a token of the zone's tokens function. boto3 is there in Lambda's Python."""

import json
import os
import urllib.error
import urllib.request

import boto3

functions = boto3.client("lambda")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        """None: token and proof are for this API, and urllib would repeat them to whoever it names."""


api = urllib.request.build_opener(NoRedirect)


def ask_for_headers(request):
    answer = functions.invoke(FunctionName=os.environ["TOKENS_FUNCTION"], Payload=json.dumps(request))
    headers = json.load(answer["Payload"])
    if "error" in headers or "FunctionError" in answer:
        raise RuntimeError(f"no token: {headers}")
    return headers


def call(method, url):
    request = {"api": "summaries", "method": method, "url": url}
    for left in (2, 1, 0):
        headers = ask_for_headers(request)
        sent = {"Authorization": headers["authorization"], "DPoP": headers["dpop"]}
        try:
            return api.open(urllib.request.Request(url, method=method, headers=sent), timeout=10)
        except urllib.error.HTTPError as answer:
            if answer.code != 401 or left == 0:
                raise
            if "use_dpop_nonce" in answer.headers.get("WWW-Authenticate", ""):
                request["nonce"] = answer.headers["DPoP-Nonce"]
            else:
                request["refused"] = headers["authorization"]


def handler(event, context):
    with call("GET", f"{os.environ['SUMMARIES_API']}/v1/summaries/17") as answer:
        return json.load(answer)
