/**
 * Requests against several sliding windows each, in one atomic step: counted as by `stores/memory/rate-limiter.ts`, by the
 * clock of Redis.
 *
 * A counter is a string: the number of its newest slice, that of its oldest, the requests in all of them and those in the
 * newest; then, from the oldest on, the requests in each older one and how many slices later the next one follows. So a
 * counter takes 22 bytes, and 5 for each of at most 60 older slices with requests in them.
 */
const SLICES = 60;

/** A Lua expression: seconds and microseconds, in a table. Redis' own clock is one for all replicas. */
const CLOCK = "redis.call('TIME')";

/**
 * KEYS: the counters of all requests, one after another. ARGV, for each request: how many counters it has, 1 to count and 0
 * to look, then limit and window in milliseconds of each counter.
 *
 * Gives four numbers for each request: 1 or 0, whether there was room in all of its counters; which counter is told of, from 1
 * on: the one with the least room or, of those that are full, the one that takes longest; how many requests it has left;
 * in how many milliseconds it has more room than now.
 */
export const takeScript = (clock = CLOCK): string => `
local time = ${clock}
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local states, changed, answers = {}, {}, {}

local function read(key, window)
  local number = math.floor(now * ${SLICES} / window)
  local state = { newest = number, oldest = number, total = 0, count = 0, older = '', window = window }
  states[key] = state
  local value = redis.call('GET', key)
  if not value then return state end
  local newest, oldest, total, count = struct.unpack('>I6I6I6I4', value)
  -- A clock that went back drops nothing: what was counted stays a whole window from now on, which is kept for the next look.
  local back = math.max(0, newest - number)
  newest, oldest = newest - back, oldest - back
  if back > 0 then changed[key] = state end
  if newest < number - ${SLICES} then return state end
  local from = 23
  while oldest < number - ${SLICES} do
    local left, gap = struct.unpack('>I4B', value, from)
    total, oldest, from = total - left, oldest + gap, from + 5
  end
  state.older, state.oldest, state.total = string.sub(value, from), oldest, total
  if newest == number then state.count = count
  else state.older = state.older .. struct.pack('>I4B', count, number - newest) end
  return state
end

local key, arg = 0, 1
while ARGV[arg] do
  local counters, enforce = tonumber(ARGV[arg]), ARGV[arg + 1] == '1'
  local told, least, wait, full = 0, 0, 0, false
  for i = 1, counters do
    local limit, window = tonumber(ARGV[arg + 2 * i]), tonumber(ARGV[arg + 2 * i + 1])
    local state = states[KEYS[key + i]] or read(KEYS[key + i], window)
    local room = math.max(0, limit - state.total)
    local more = math.max(1, math.ceil((state.oldest + ${SLICES + 1}) * window / ${SLICES} - now))
    if room == 0 then
      if not full or more > wait then told, wait = i, more end
      full = true
    elseif not full and (told == 0 or room < least) then
      told, least, wait = i, room, more
    end
  end
  if enforce and not full then
    for i = 1, counters do
      local state = states[KEYS[key + i]]
      state.total, state.count = state.total + 1, state.count + 1
      changed[KEYS[key + i]] = state
    end
    least = least - 1
  end
  answers[#answers + 1] = full and 0 or 1
  answers[#answers + 1] = told
  answers[#answers + 1] = full and 0 or least
  answers[#answers + 1] = wait
  key, arg = key + counters, arg + 2 + 2 * counters
end

for name, state in pairs(changed) do
  local value = struct.pack('>I6I6I6I4', state.newest, state.oldest, state.total, state.count) .. state.older
  redis.call('SET', name, value, 'PX', math.ceil(state.window * ${SLICES + 2} / ${SLICES}))
end
return answers
`;
