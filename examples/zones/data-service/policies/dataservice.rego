package dataservice

import rego.v1

default allow := false

# A caller may leave out headers, and then there is nothing to read: object.get has an answer all the same. Otherwise the whole
# result would be undefined, and every such request refused.
result := {
	"allow": allow,
	"reasons": reasons,
	"audit": {
		"calling_service": service_name,
		"user_context": object.get(input.headers, "X-User-Context", ""),
		"correlation_id": object.get(input.headers, "X-Correlation-ID", ""),
		"action": input.request.method,
		"resource": input.request.path,
	},
}

# Verify mTLS + Service JWT
allow if {
	valid_mtls_client
	valid_service_token
	has_service_permission
}

reasons contains "valid mTLS client" if valid_mtls_client

reasons contains "valid service token" if valid_service_token

reasons contains reason if {
	has_service_permission
	reason := sprintf("service %s has permission %s", [service_name, required_permission])
}

# mTLS validation
valid_mtls_client if {
	input.mtls.verified == true
	allowed_services[input.mtls.subject.CN]
}

# Which service has which certificate.
allowed_services := {
	"order-service-client": "order-service",
	"payment-service-client": "payment-service",
}

# Service token validation. A token of one service with the certificate of another is a stolen one.
valid_service_token if {
	service_name != ""
	service_name == allowed_services[input.mtls.subject.CN]
	input.token.exp > time.now_ns() / 1000000000
}

# Authorized party (client_id)
service_name := object.get(input, ["token", "azp"], "")

# Permission check based on service and action
has_service_permission if {
	required_permission in service_permissions[service_name]
}

required_permission := "read-inventory" if {
	input.request.method == "GET"
	is_below("/inventory")
}

required_permission := "write-orders" if {
	input.request.method == "POST"
	is_below("/orders")
}

required_permission := "read-orders" if {
	input.request.method == "GET"
	is_below("/orders")
}

required_permission := "write-payments" if {
	input.request.method == "POST"
	is_below("/payments")
}

# The path itself, or one below it: "/orders-of-others" is not below "/orders".
is_below(prefix) if input.request.path == prefix

is_below(prefix) if startswith(input.request.path, sprintf("%s/", [prefix]))

# Service permissions matrix
service_permissions := {
	"order-service": ["read-inventory", "write-orders", "read-orders"],
	"payment-service": ["read-orders", "write-payments"],
}
