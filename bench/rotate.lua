-- Sends each line of a file in turn, as the value of a header: wrk … -s rotate.lua URL -- FILE HEADER PREFIX
local values, header, prefix, at = {}, nil, "", 0

function init(args)
  for line in io.lines(args[1]) do values[#values + 1] = line end
  header, prefix = args[2], args[3] or ""
end

function request()
  at = at % #values + 1
  wrk.headers[header] = prefix .. values[at]
  return wrk.format("GET")
end
