package gateway

import rego.v1

default allow := false

# Authenticated users can access API
allow if {
	input.token.sub != ""
	not is_token_expired
}

is_token_expired if {
	input.token.exp < time.now_ns() / 1000000000
}
