-- wrk's side of check_wrk.py: sends what the environment says, and prints what was measured as JSON.
local path = os.getenv("BODY")
if path then
  local file = assert(io.open(path, "rb"))
  wrk.method, wrk.body = "POST", file:read("*a")
  file:close()
end
for name, value in (os.getenv("HEADERS") or ""):gmatch("([^:\n]+): ([^\n]*)") do
  wrk.headers[name] = value
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"per_second": %f, "p50_ms": %f, "p99_ms": %f, "failures": %d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
