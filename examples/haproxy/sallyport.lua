-- Forward auth for HAProxy 2.6 or later: "http-request lua.sallyport" asks Sallyport before the application hears of a
-- request. Whatever is no clear permission ends the request.

local address = os.getenv('SALLYPORT_URL') -- "setenv" in haproxy.cfg

-- More than the "timeout server" of "listen sallyport", which ends the waiting.
local patience_ms = 15000

-- From Sallyport to the application. Sallyport answers with each of them, always: a value, or empty. Add every header that
-- your rules inject.
local managed = {
  'x-user-id', 'x-auth-method', 'x-api-key-id', 'x-user-email', 'x-user-roles', 'x-client-cn', 'x-payment-verified',
  'x-payment-amount', 'x-payment-balance', 'x-payment-use', 'x-provisioned-pod',
  -- As the application may see them: keys and money are taken off.
  'authorization', 'x-api-key', 'x-cashu', 'x-payment-session', 'cookie',
}

-- From a permission to the client, by the variables that haproxy.cfg reads.
local for_client = {
  ['x-payment-balance'] = 'payment_balance', ['x-ratelimit-limit'] = 'limit',
  ['x-ratelimit-remaining'] = 'limit_remaining', ['x-ratelimit-reset'] = 'limit_reset',
  ['ratelimit'] = 'ratelimit', ['ratelimit-policy'] = 'ratelimit_policy',
  ['x-credits-remaining'] = 'credits_remaining',
}

-- From a refusal to the client.
local told = {
  'content-type', 'www-authenticate', 'x-cashu', 'retry-after', 'cache-control', 'ratelimit', 'ratelimit-policy',
  'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'x-credits-remaining',
  'content-security-policy', 'referrer-policy', 'x-content-type-options', 'vary',
}

-- Of the client's request, what Sallyport is not to see: what belongs to that connection and body, and what only we may say.
local withheld = {
  'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'content-length',
  'expect', 'host', 'x-forwarded-method', 'x-forwarded-uri', 'x-forwarded-host',
}

local function set_of(names)
  local set = {}
  for _, name in ipairs(names) do set[name] = true end
  return set
end

local is_managed, is_withheld = set_of(managed), set_of(withheld)

-- HAProxy counts values from 0 in what it gives, and from 1 in what it takes. Two lines of one header stay two: Sallyport
-- refuses two credentials.
local function list_of(values)
  local list = {}
  for index = 0, #values do list[#list + 1] = values[index] end
  return list
end

local function question(txn, headers)
  local asked = {}
  for name, values in pairs(headers) do
    if not is_withheld[name] then asked[name] = list_of(values) end
  end
  asked['x-forwarded-method'] = { txn.sf:method() }
  asked['x-forwarded-uri'] = { txn.sf:url() } -- raw, with its query
  asked['x-forwarded-host'] = headers['host'] and list_of(headers['host'])
  return asked
end

local function first(answer, name)
  local values = answer.headers and answer.headers[name]
  return values and (values[0] or values[1])
end

core.register_action('sallyport', { 'http-req' }, function(txn)
  local headers = txn.http:req_get_headers()
  local answer = core.httpclient():get({ url = address, headers = question(txn, headers), timeout = patience_ms })

  if answer and answer.status == 200 then
    -- The client's own copies go first, also with "_" for "-".
    for name in pairs(headers) do
      if is_managed[name:gsub('_', '-')] then txn.http:req_del_header(name) end
    end
    for _, name in ipairs(managed) do
      local value = first(answer, name)
      if value and value ~= '' then txn.http:req_set_header(name, value) end
    end
    -- For the client, on the application's answer.
    for name, variable in pairs(for_client) do
      local value = first(answer, name)
      if value and value ~= '' then txn:set_var('txn.' .. variable, value) end
    end
    -- A session for what was paid.
    local cookie = first(answer, 'set-cookie')
    if cookie then
      txn:set_var('txn.session_cookie', cookie)
      txn:set_var('txn.session_id', cookie:match('=([^;]+)'))
    end
    return
  end

  -- What is no refusal of Sallyport's (it does not answer, it is not Sallyport at all) is nobody's permission.
  local page = answer and answer.status == 402 and first(answer, 'x-cashu')
  local refused = page or (answer and first(answer, 'content-type') == 'application/problem+json')
  local reply = txn:reply({ status = refused and answer.status or 503, body = refused and answer.body or '' })
  if not refused then reply:add_header('retry-after', '5') end
  for _, name in ipairs(told) do
    local value = refused and first(answer, name)
    if value then reply:add_header(name, value) end
  end
  txn:done(reply)
end, 0)
