package gateway_test

import data.gateway
import rego.v1

soon := (time.now_ns() / 1000000000) + 60

before := (time.now_ns() / 1000000000) - 60

test_a_user_may_come_in if gateway.allow with input as {"token": {"sub": "user-123", "exp": soon}}

test_a_token_that_has_run_out_opens_nothing if {
	not gateway.allow with input as {"token": {"sub": "user-123", "exp": before}}
}

test_nobody_opens_nothing if {
	not gateway.allow with input as {}
	not gateway.allow with input as {"token": {"sub": "", "exp": soon}}
}
