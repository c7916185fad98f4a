import json
import os
import urllib.request

BASE = os.environ.get("EGRESS_PROXY_URL", "http://egress-proxy:8080")


def call(method, path, body=None):
    """Calls BASE/ext/… with a JSON body. The proxy adds the credential."""
    data = None if body is None else json.dumps(body).encode()
    headers = {} if body is None else {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{BASE}/ext{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


print(call("POST", "/stripe/charges", {"amount": 1000, "currency": "usd"}))
