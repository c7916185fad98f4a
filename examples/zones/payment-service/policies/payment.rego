package payment

import rego.v1

default allow := false

allow if {
	valid_mtls_client
	valid_user_token
	has_payment_permission
}

valid_mtls_client if {
	input.mtls.verified == true
	input.mtls.subject.CN == "api-gateway-client"
}

valid_user_token if {
	input.token.sub != ""
	input.token.exp > time.now_ns() / 1000000000
}

has_payment_permission if {
	"payments:create" in input.token.realm_access.roles
}

has_payment_permission if {
	input.request.method == "GET"
	"payments:read" in input.token.realm_access.roles
}
