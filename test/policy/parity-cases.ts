/** What three engines are asked: bodies of a package each, whose rule `answer` is the question. */

/** The one input of them all, as Sallyport makes it. */
export const input = {
  request: { method: 'POST', path: '/api/v1/orders/42', host: 'api.example.com', query: 'a=1&b=2' },
  headers: { 'X-User-Context': 'user-123', 'X-Version': '1.10.0' },
  token: {
    sub: 'user-123',
    email: 'Ann@Example.com',
    exp: 4_102_444_800,
    realm_access: { roles: ['customer', 'orders:create', 'orders:read'] },
    scope: 'openid orders profile',
  },
  mtls: {
    verified: true,
    subject: { CN: 'api-gateway-client', O: 'MyOrg', OU: ['a', 'b'] },
    san: { dns: [], uri: [] },
  },
  identity: { method: 'jwt', subject: 'user-123', roles: ['customer'], scopes: ['openid'] },
  source: { ip: '10.1.2.3' },
};

export const data = {
  limits: { orders: 10, payments: 3 },
  users: [
    { name: 'ann', age: 41, tags: ['x', 'y'] },
    { name: 'bob', age: 17, tags: [] },
    { name: 'eve', age: 30, tags: ['y'] },
  ],
  networks: ['10.0.0.0/8', '192.168.0.0/16'],
};

const body = (term: string): string => `answer := ${term}`;

// biome-ignore format: a table is read by its columns
const terms: readonly (readonly [title: string, term: string])[] = [
  // Strings
  ['concat', 'concat("/", ["a", "b", "c"])'], ['split', 'split(input.request.path, "/")'],
  ['startswith', 'startswith(input.request.path, "/api/")'], ['endswith', 'endswith(input.token.email, ".com")'],
  ['contains', 'contains(input.request.host, "example")'], ['lower and upper', '[lower(input.token.email), upper("é")]'],
  ['trim', '[trim("--a-", "-"), trim_left("xxa", "x"), trim_right("axx", "x"), trim_space(" a\\t")]'],
  ['trim_prefix', '[trim_prefix("/api/x", "/api"), trim_suffix("x.json", ".json")]'],
  ['replace', 'replace("a.b.c", ".", "/")'], ['substring', '[substring("häßlich", 1, 2), substring("abc", 1, -1)]'],
  ['indexof', '[indexof("häßlich", "l"), indexof("abc", "z")]'], ['strings.reverse', 'strings.reverse("abc")'],
  ['strings.replace_n', 'strings.replace_n({"<": "&lt;", ">": "&gt;"}, "<a>")'],
  ['format_int', '[format_int(255, 16), format_int(-5, 2)]'], ['to_number', 'to_number("3.5") + to_number("-2")'],
  ['any prefix', 'strings.any_prefix_match(input.request.path, ["/x", "/api"])'],
  ['any suffix', 'strings.any_suffix_match(["a.js", "b.ts"], ".ts")'],
  ['a string with every escape', '"\\"\\\\\\n\\t\\u00e9 \\ud83d\\ude00"'],
  ['a raw string', '`^\\d+\\n$`'],
  // Numbers
  ['arithmetic', '[1 + 2 * 3, 7 - 10, 7 / 2, 7 % 4, -7 % 4, 10 / 5]'], ['division by zero', '1 / 0'],
  ['rounding', '[round(2.5), round(-2.5), ceil(1.1), floor(-1.1), abs(-3)]'], ['large numbers', '9007199254740991 + 1'],
  ['comparison', '[1 < 2, 1 == 1.0, "a" < "b", [1, 2] < [1, 3], {"a": 1} == {"a": 1.0}]'],
  ['order of kinds', '[null < false, false < 0, 1 < "0", "z" < [], [] < {}]'],
  ['bits', '[bits.and(12, 10), bits.or(12, 10), bits.xor(12, 10), bits.lsh(1, 10), bits.rsh(1024, 3)]'],
  ['numbers.range', '[numbers.range(3, 1), numbers.range(1, 3)]'],
  // Aggregates
  ['count', '[count("häß"), count([1]), count({"a": 1}), count({1, 2})]'],
  ['sum, product, max, min', '[sum([1, 2.5]), product([2, 3]), max([1, 3, 2]), min({3, 1}), max(["a", "b"])]'],
  ['max of nothing', 'max([])'], ['sort', 'sort([3, "a", 1, null, true, [1], {"a": 1}])'],
  ['any of a comprehension', 'count([u | some u in data.users; u.age >= 18]) > 1'],
  // Sets
  ['sets', '[{1, 2} | {2, 3}, {1, 2} & {2, 3}, {1, 2} - {2}]'], ['set membership', '[2 in {1, 2}, 3 in {1, 2}]'],
  ['union and intersection', '[union({{1}, {2}}), intersection({{1, 2}, {2, 3}})]'],
  ['an empty set', 'count(set())'], ['a set of objects', '{{"a": 1}, {"a": 1}, {"b": 2}}'],
  // Comprehensions
  ['array comprehension', '[u.name | some u in data.users; u.age > 18]'],
  ['set comprehension', '{t | some u in data.users; some t in u.tags}'],
  ['object comprehension', '{u.name: u.age | some u in data.users}'],
  ['nested comprehension', '[[t | some t in u.tags] | some u in data.users]'],
  ['an object comprehension with one key twice', '{"a": u.age | some u in data.users}'],
  // Objects and arrays
  ['object.get', '[object.get(input.headers, "X-None", "d"), object.get(input, ["mtls", "subject", "CN"], 0)]'],
  ['object.get of a path that is not there', 'object.get(input, ["mtls", "no", "CN"], "d")'],
  ['object.keys', 'object.keys(data.limits)'], ['object.remove', 'object.remove(data.limits, ["orders"])'],
  ['object.filter', 'object.filter(data.limits, {"orders"})'], ['object.union', 'object.union({"a": {"b": 1}}, {"a": {"c": 2}})'],
  ['object.union_n', 'object.union_n([{"a": 1}, {"a": 2}, {"b": 3}])'],
  ['array.concat', 'array.concat([1], [2, 3])'], ['array.slice', 'array.slice([1, 2, 3, 4], 1, 3)'],
  ['array.reverse', 'array.reverse([1, 2, 3])'], ['a key of an array', '[data.users[1].name, input.mtls.subject.OU[0]]'],
  ['an index that is not there', 'data.users[9].name'], ['a list where a string may be', 'is_array(input.mtls.subject.OU)'],
  ['walk', '[x | walk({"a": [1, {"b": 2}]}, [p, x]); is_number(x)]'],
  ['graph.reachable', 'graph.reachable({"a": ["b"], "b": ["c"], "c": [], "d": []}, ["a"])'],
  // JSON, base64, encodings
  ['json.marshal', 'json.marshal({"b": [1, null, "x"], "a": true})'], ['json.unmarshal', 'json.unmarshal("{\\"a\\": [1, 2.5]}")'],
  ['json.unmarshal of what is none', 'json.unmarshal("{")'], ['json.is_valid', '[json.is_valid("{}"), json.is_valid("{")]'],
  ['json.filter', 'json.filter({"a": {"b": 1, "c": 2}}, ["a/b"])'], ['json.remove', 'json.remove({"a": {"b": 1, "c": 2}}, ["a/b"])'],
  ['base64', '[base64.encode("häß?"), base64.decode("aMOkw58/"), base64.is_valid("a_")]'],
  ['base64url', '[base64url.encode("häß??"), base64url.decode("aMOkw58_Pw")]'],
  ['base64 of what is none', 'base64.decode("!")'], ['hex', '[hex.encode("hä"), hex.decode("68c3a4")]'],
  // Patterns
  ['regex.match', '[regex.match(`^/api/v\\d+/orders/\\d+$`, input.request.path), regex.match("^b", "abc")]'],
  ['digits of other scripts', 'regex.match(`^\\d$`, "٣")'], ['letters of either case', 'regex.match(`(?i)^ann@`, input.token.email)'],
  ['regex.replace', 'regex.replace("a1b2", `[0-9]`, "#")'], ['regex.split', 'regex.split(",", "a,b")'],
  ['regex of no form', 'regex.match("(", "a")'], ['regex.is_valid', '[regex.is_valid("a+"), regex.is_valid("(")]'],
  ['regex.find_all', 'regex.find_all_string_submatch_n(`(\\w)(\\d)`, "a1 b2", -1)'],
  ['glob.match', '[glob.match("/api/*/orders/*", ["/"], input.request.path), glob.match("*.example.com", ["."], "a.b.example.com")]'],
  ['glob.match of double stars', 'glob.match("/api/**", ["/"], input.request.path)'],
  ['glob.match of choices', '[glob.match("{a,b}.c", ["."], "b.c"), glob.match("[a-c]x", [], "bx"), glob.match("a?c", [], "abc")]'],
  // Versions, networks, time
  ['semver', '[semver.compare("1.10.0", "1.9.9"), semver.compare("1.0.0-rc.1", "1.0.0"), semver.is_valid("1.x")]'],
  ['semver of a header', 'semver.compare(input.headers["X-Version"], "1.2.0") >= 0'], ['semver of what is none', 'semver.compare("1", "1.0.0")'],
  ['net.cidr_contains', '[net.cidr_contains("10.0.0.0/8", input.source.ip), net.cidr_contains("10.0.0.0/8", "11.0.0.1")]'],
  ['net.cidr_contains of a range', 'net.cidr_contains("10.0.0.0/8", "10.1.0.0/16")'],
  ['net.cidr_contains of what is none', 'net.cidr_contains("10.0.0.0/8", "x")'],
  ['json.patch', 'json.patch({"a": 1}, [{"op": "replace", "path": "/a", "value": 2}])'],
  ['time.parse_rfc3339_ns', 'time.parse_rfc3339_ns("2026-11-22T00:00:00Z")'], ['urlquery.decode_object', 'urlquery.decode_object(input.request.query)'],
  ['crypto.sha256', 'crypto.sha256("a")'], ['object.subset', 'object.subset({"a": 1, "b": 2}, {"a": 1})'],
  ['io.jwt.decode', 'count(io.jwt.decode("eyJhbGciOiJub25lIn0.e30."))'], ['units.parse', 'units.parse("1K")'],
  ['time.now_ns', 'time.now_ns() > 1700000000000000000'], ['time.now_ns is one', 'time.now_ns() == time.now_ns()'],
  ['a token that has not run out', 'input.token.exp > time.now_ns() / 1000000000'],
  // Kinds
  ['kinds', '[type_name(1), type_name(null), type_name({1}), type_name([]), type_name({"a": 1}), is_string("a"), is_boolean(1 == 2)]'],
  // sprintf
  ['sprintf', 'sprintf("service %s has %d of %v", [input.token.sub, 3, [1, "a"]])'],
  ['sprintf of an object', 'sprintf("%v", [{"b": 1, "a": [null, true]}])'], ['sprintf of a float', 'sprintf("%.2f|%v", [1.005, 1.5])'],
  ['sprintf with too few', 'sprintf("%v %v", [1])'],
  // Undefined
  ['what is not there', 'input.absent.name'], ['not of what is not there', 'count([1 | not input.absent])'],
];

// biome-ignore format: a table is read by its columns
const policies: readonly (readonly [title: string, policy: string])[] = [
  ['a default', 'default answer := false\nanswer if input.absent'],
  ['several bodies of one rule', 'answer if input.absent\nanswer if input.mtls.verified'],
  ['else', 'answer := "admin" if { "admin" in input.token.realm_access.roles } else := "customer" if { "customer" in input.token.realm_access.roles } else := "none"'],
  ['a conflict', 'answer := 1\nanswer := 2 if input.mtls.verified'],
  ['one value from two bodies', 'answer := 1\nanswer := 1 if input.mtls.verified'],
  ['a partial set', 'answer contains r if some r in input.token.realm_access.roles\nanswer contains "all" if input.mtls.verified'],
  ['a partial set of nothing', 'answer contains "x" if input.absent'],
  ['a partial object', 'answer[u.name] := u.age if some u in data.users'],
  ['a partial object with a conflict', 'answer["a"] := 1\nanswer["a"] := 2 if input.mtls.verified'],
  ['a nested partial object', 'answer[u.name][t] := true if { some u in data.users; some t in u.tags }'],
  ['functions', 'double(x) := x * 2\nanswer := double(double(3))'],
  ['a function by patterns', 'kind("GET") := "read"\nkind("POST") := "write"\nanswer := kind(input.request.method)'],
  ['a function with a default', 'default kind(_) := "other"\nkind("GET") := "read"\nanswer := kind(input.request.method)'],
  ['a function that has no value', 'kind("GET") := "read"\nanswer := kind(input.request.method)'],
  ['a function with else', 'size(n) := "small" if { n < 10 } else := "large"\nanswer := [size(1), size(11)]'],
  ['every', 'answer if every r in input.token.realm_access.roles { is_string(r) }'],
  ['every that fails', 'default answer := "no"\nanswer := "yes" if every u in data.users { u.age >= 18 }'],
  ['every of nothing', 'answer if every x in [] { x == 1 }'],
  ['every with keys', 'answer if every k, v in data.limits { count(k) > v - 10 }'],
  ['some with keys', 'answer contains [i, u.name] if some i, u in data.users'],
  ['some in an object', 'answer contains k if { some k, v in data.limits; v > 5 }'],
  ['iteration by a free index', 'answer contains data.users[i].name if data.users[i].age > 18'],
  ['with', 'adult if input.age >= 18\nanswer := [count([1 | adult with input as {"age": 20}]), count([1 | adult with input.age as 3])]'],
  ['with data', 'limit := data.limits.orders\nanswer := n if { n := limit with data.limits as {"orders": 99} }'],
  ['with a function', 'allowed if time.now_ns() < 5\nanswer if allowed with time.now_ns as 1'],
  ['not', 'blocked if input.token.sub == "eve"\nanswer if not blocked'],
  ['assignment and unification', 'answer := y if { [x, y] = [1, 2]; x == 1 }'],
  ['unification of an object', 'answer := n if { {"name": n, "age": 17, "tags": []} = data.users[_] }'],
  ['a rule of another rule', 'is_user if input.token.sub != ""\nhas_role if "customer" in input.token.realm_access.roles\nanswer if { is_user; has_role }'],
  ['a constant of another rule', 'permissions := {"a": ["read", "write"], "b": ["read"]}\nanswer if "write" in permissions["a"]'],
  ['in with a key', 'answer if "orders", 10 in data.limits'],
  ['a reference to a rule by its path', 'inner.limit := 3\nanswer := inner.limit + 1'],
  ['allow, reasons and audit', 'allow if input.mtls.verified\nreasons contains "mtls" if input.mtls.verified\nreasons contains "scope" if "orders" in split(input.token.scope, " ")\nanswer := {"allow": allow, "reasons": reasons, "audit": {"service": input.mtls.subject.CN, "context": object.get(input.headers, "X-User-Context", null)}}'],
  ['an object with a member that is not there', 'answer := {"allow": true, "audit": input.headers["X-None"]}'],
  ['an error of a builtin in a body', 'default answer := "safe"\nanswer := "open" if to_number("x") == 1'],
  ['not of an error of a builtin', 'answer if not to_number("x")'],
  ['a comparison of two kinds', 'answer := ["10" > 9, "a" == 1]'],
  ['a string where a list is expected', 'answer if "a" in "abc"'],
  ['shadowing', 'x := 1\nanswer := [x, y] if { y := [x | some x in [2, 3]] }'],
  ['cidr of several networks', 'answer if { some network in data.networks; net.cidr_contains(network, input.source.ip) }'],
];

export type ParityCase = Readonly<{ title: string; policy: string }>;

export const cases: readonly ParityCase[] = [
  ...terms.map(([title, term]) => ({ title, policy: body(term) })),
  ...policies.map(([title, policy]) => ({ title, policy })),
];
