package payment_test

import data.payment
import rego.v1

soon := (time.now_ns() / 1000000000) + 60

before := (time.now_ns() / 1000000000) - 60

gateway := {"verified": true, "subject": {"CN": "api-gateway-client", "O": "MyOrg"}}

user(roles) := {"sub": "user-456", "exp": soon, "realm_access": {"roles": roles}}

asked(method, token, mtls) := {"request": {"method": method, "path": "/payments"}, "token": token, "mtls": mtls}

test_who_has_the_role_may_pay if payment.allow with input as asked("POST", user(["payments:create"]), gateway)

test_who_has_another_role_may_not_pay if {
	not payment.allow with input as asked("POST", user(["customer", "orders:create", "payments:read"]), gateway)
}

test_who_may_read_may_look if payment.allow with input as asked("GET", user(["payments:read"]), gateway)

test_who_has_no_role_may_not_look if not payment.allow with input as asked("GET", user(["customer"]), gateway)

test_a_token_that_has_run_out_opens_nothing if {
	not payment.allow with input as asked("GET", object.union(user(["payments:read"]), {"exp": before}), gateway)
}

test_a_token_without_the_gateway_opens_nothing if {
	not payment.allow with input as asked("GET", user(["payments:read"]), {"verified": false})
	not payment.allow with input as asked("GET", user(["payments:read"]), {"verified": true, "subject": {"CN": "x"}})
}
