package order_test

import data.order
import rego.v1

soon := (time.now_ns() / 1000000000) + 60

before := (time.now_ns() / 1000000000) - 60

gateway := {"verified": true, "subject": {"CN": "api-gateway-client", "O": "MyOrg"}}

john := {"sub": "user-123", "exp": soon, "realm_access": {"roles": ["customer", "orders:create"]}}

jane := {"sub": "user-456", "exp": soon, "realm_access": {"roles": ["customer"]}}

asked(method, token, mtls) := {"request": {"method": method, "path": "/orders"}, "token": token, "mtls": mtls}

test_every_user_may_look if order.allow with input as asked("GET", jane, gateway)

test_who_has_the_role_may_order if order.allow with input as asked("POST", john, gateway)

test_who_lacks_the_role_may_not_order if not order.allow with input as asked("POST", jane, gateway)

test_nobody_may_delete if not order.allow with input as asked("DELETE", john, gateway)

test_a_token_that_has_run_out_opens_nothing if {
	not order.allow with input as asked("GET", object.union(john, {"exp": before}), gateway)
}

test_a_token_without_the_gateway_opens_nothing if {
	not order.allow with input as asked("GET", john, {"verified": false})
	not order.allow with input as asked("GET", john, {"verified": true, "subject": {"CN": "payment-service-client"}})
	not order.allow with input as asked("GET", john, {"verified": false, "subject": {"CN": "api-gateway-client"}})
}

test_the_gateway_without_a_token_opens_nothing if {
	not order.allow with input as {"request": {"method": "GET", "path": "/orders"}, "mtls": gateway}
}
