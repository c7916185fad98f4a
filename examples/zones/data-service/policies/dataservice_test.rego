package dataservice_test

import data.dataservice
import rego.v1

soon := (time.now_ns() / 1000000000) + 60

before := (time.now_ns() / 1000000000) - 60

certificate(service) := {"verified": true, "subject": {"CN": sprintf("%s-client", [service]), "O": "MyOrg"}}

token(service) := {"azp": service, "exp": soon}

asked(service, method, path) := {
	"request": {"method": method, "path": path},
	"headers": {},
	"token": token(service),
	"mtls": certificate(service),
}

permitted := {
	["order-service", "GET", "/inventory/PROD-123"],
	["order-service", "GET", "/orders/order-1"],
	["order-service", "POST", "/orders"],
	["payment-service", "GET", "/orders/order-1"],
	["payment-service", "POST", "/payments"],
}

forbidden := {
	["order-service", "POST", "/payments"],
	["order-service", "GET", "/payments"],
	["order-service", "DELETE", "/orders/order-1"],
	["order-service", "GET", "/orders-of-others"],
	["order-service", "GET", "/"],
	["payment-service", "GET", "/inventory/PROD-123"],
	["payment-service", "POST", "/orders"],
	["api-gateway", "GET", "/orders"],
}

test_each_service_may_do_what_the_matrix_permits if {
	every case in permitted {
		dataservice.result.allow with input as asked(case[0], case[1], case[2])
	}
}

test_and_nothing_else if {
	every case in forbidden {
		dataservice.result.allow == false with input as asked(case[0], case[1], case[2])
	}
}

test_a_token_with_the_certificate_of_another_service_is_stolen if {
	stolen := object.union(asked("order-service", "POST", "/orders"), {"mtls": certificate("payment-service")})
	dataservice.result.allow == false with input as stolen
}

test_a_token_without_a_certificate_opens_nothing if {
	stolen := object.union(asked("order-service", "GET", "/orders"), {"mtls": {"verified": false, "subject": {}}})
	dataservice.result.allow == false with input as stolen
}

test_a_certificate_without_a_token_opens_nothing if {
	bare := object.remove(asked("order-service", "GET", "/orders"), ["token"])
	dataservice.result.allow == false with input as bare
}

test_a_token_that_has_run_out_opens_nothing if {
	old := object.union(asked("order-service", "GET", "/orders"), {"token": {"exp": before}})
	dataservice.result.allow == false with input as old
}

test_the_reasons_name_the_permission if {
	reasons := dataservice.result.reasons with input as asked("order-service", "POST", "/orders")
	"service order-service has permission write-orders" in reasons
}

test_the_audit_has_the_headers_that_are_there_and_is_whole_without_them if {
	with_user := object.union(asked("order-service", "GET", "/orders"), {"headers": {"X-User-Context": "user-123"}})
	dataservice.result.audit == {
		"calling_service": "order-service",
		"user_context": "user-123",
		"correlation_id": "",
		"action": "GET",
		"resource": "/orders",
	} with input as with_user
}
