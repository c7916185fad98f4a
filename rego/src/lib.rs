//! Rego for a host that shares nothing with it but memory: regorus behind a few functions of a C ABI, and one import, a clock.
//!
//! Texts come in through `reserve`, which says where the host is to write them, and go out through `answer` and `answer_len`.
//! One engine an instance. What an evaluation may not do (run on, take all memory) ends in a trap: the instance is then of no
//! further use, and `stopped` says whether it was for its time.
mod blocks;

use std::alloc::{GlobalAlloc, Layout};
use std::cell::RefCell;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use ipnet::IpNet;
use regorus::utils::limits::{ExecutionTimerConfig, TimeSource, set_time_source};
use regorus::{Engine, LimitError, PolicyLengthConfig, Value};

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Milliseconds since any moment, never going back.
    safe fn monotonic_ms() -> f64;
}

/// What a function of the ABI answers; the host knows the same numbers.
const VALUE: u32 = 0;
const UNDEFINED: u32 = 1;
const FAILED: u32 = 2;
const TIMEOUT: u32 = 3;
const UNKNOWN: u32 = 4;
/// A boolean is an answer without a text.
const FALSE: u32 = 5;
const TRUE: u32 = 6;

/// Steps of the interpreter between looks at the clock.
const STEPS: NonZeroU32 = NonZeroU32::new(128).unwrap();
/// Allocations, or KiB of them, between looks at the clock.
const ALLOCATIONS: u32 = 4_096;
/// The interpreter notices first that its time is up, where it can: the instance can then be used again.
const GRACE_MS: f64 = 2.0;

static DEADLINE_MS: AtomicU64 = AtomicU64::new(f64::INFINITY.to_bits());
static WALL_CLOCK_NS: AtomicU64 = AtomicU64::new(0);
static ALLOCATED: AtomicU32 = AtomicU32::new(0);
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Built-in functions run to their end whatever the interpreter's timer says. All that take long allocate.
fn watch(bytes: usize) {
    let allocated = ALLOCATED.fetch_add(1 + (bytes >> 10) as u32, Relaxed);
    if allocated < ALLOCATIONS {
        return;
    }
    ALLOCATED.store(0, Relaxed);
    if monotonic_ms() > f64::from_bits(DEADLINE_MS.load(Relaxed)) {
        STOPPED.store(true, Relaxed);
        core::arch::wasm32::unreachable();
    }
}

struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        watch(layout.size());
        unsafe { blocks::take(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        watch(layout.size());
        unsafe { blocks::take_zeroed(layout) }
    }
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        watch(size);
        unsafe { blocks::resize(old, layout, size) }
    }
    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        unsafe { blocks::give_back(old, layout) }
    }
}

struct HostClock;

impl TimeSource for HostClock {
    fn now(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(monotonic_ms() / 1_000.0).ok()
    }
}

struct State {
    engine: Engine,
    queries: Vec<String>,
    /// Objects whose members are of many inputs.
    parts: Vec<Value>,
    text: Vec<u8>,
    answer: Vec<u8>,
}

fn new_engine() -> Engine {
    let _ = set_time_source(&HostClock);
    let mut engine = Engine::new();
    // As OPA does: where a built-in function cannot do what it is asked, its call is undefined.
    engine.set_strict_builtin_errors(false);
    engine.set_policy_length_config(PolicyLengthConfig {
        max_col: NonZeroU32::new(16_384).unwrap(),
        max_file_bytes: NonZeroUsize::new(16 << 20).unwrap(),
        max_lines: NonZeroUsize::new(500_000).unwrap(),
    });
    let now = |_: Vec<Value>| Ok(Value::from(WALL_CLOCK_NS.load(Relaxed)));
    let contains = |args: Vec<Value>| Ok(cidr_contains(&args).map_or(Value::Undefined, Value::from));
    let _ = engine.add_extension("time.now_ns".into(), 0, Box::new(now));
    let _ = engine.add_extension("net.cidr_contains".into(), 2, Box::new(contains));
    engine
}

/// Whether an address, or all of another range, is in a range; regorus has it where there is a `std` with a clock alone.
fn cidr_contains(args: &[Value]) -> Option<bool> {
    let [range, inner] = args else { return None };
    let range: IpNet = range.as_string().ok()?.parse().ok()?;
    let inner = inner.as_string().ok()?;
    let inner: IpNet = inner
        .parse()
        .or_else(|_| inner.parse::<IpAddr>().map(IpNet::from))
        .ok()?;
    Some(range.contains(&inner))
}

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State {
        engine: new_engine(),
        queries: Vec::new(),
        parts: Vec::new(),
        text: Vec::new(),
        answer: Vec::new(),
    });
}

fn failure(state: &mut State, error: anyhow::Error) -> u32 {
    if let Some(LimitError::TimeLimitExceeded { .. }) = error.downcast_ref() {
        return TIMEOUT;
    }
    state.answer = format!("{error:#}").into_bytes();
    if error.to_string() == "not a valid rule path" {
        UNKNOWN
    } else {
        FAILED
    }
}

/// Runs `act` on what the host wrote.
fn with_text(act: impl FnOnce(&mut State, String) -> anyhow::Result<u32>) -> u32 {
    STATE.with_borrow_mut(|state| {
        let text = String::from_utf8(std::mem::take(&mut state.text));
        let outcome = text.map_err(anyhow::Error::from).and_then(|text| act(state, text));
        outcome.unwrap_or_else(|error| failure(state, error))
    })
}

/// Where the host is to write the `len` bytes of the text that its next call is about.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(len: usize) -> *mut u8 {
    STATE.with_borrow_mut(|state| {
        state.text.clear();
        state.text.resize(len, 0);
        state.text.as_mut_ptr()
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    STATE.with_borrow(|state| state.answer.as_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn answer_len() -> usize {
    STATE.with_borrow(|state| state.answer.len())
}

#[unsafe(no_mangle)]
pub extern "C" fn stopped() -> u32 {
    STOPPED.load(Relaxed).into()
}

/// The text: the name of a file of Rego, as long as `name_len` says, and its content.
#[unsafe(no_mangle)]
pub extern "C" fn add_policy(name_len: usize) -> u32 {
    with_text(|state, mut text| {
        let content = text.split_off(name_len);
        state.engine.add_policy(text, content).map(|_| UNDEFINED)
    })
}

/// The text: a JSON object that is merged into `data`.
#[unsafe(no_mangle)]
pub extern "C" fn add_data() -> u32 {
    with_text(|state, text| state.engine.add_data_json(&text).map(|_| UNDEFINED))
}

/// Leaves an answer: the syntax trees of all policies, in JSON.
#[unsafe(no_mangle)]
pub extern "C" fn syntax() -> u32 {
    with_text(|state, _| {
        state.answer = state.engine.get_ast_as_json()?.into_bytes();
        Ok(VALUE)
    })
}

/// The text: a query, which `evaluate` then knows by its number: the first is 0.
#[unsafe(no_mangle)]
pub extern "C" fn add_query() -> u32 {
    with_text(|state, text| {
        state.queries.push(text);
        Ok(UNDEFINED)
    })
}

/// The text: a JSON object, whose members `evaluate` then adds to an input by the place where it is kept: the first is 0. It takes
/// the place of what was kept there.
#[unsafe(no_mangle)]
pub extern "C" fn keep(place: usize) -> u32 {
    with_text(|state, text| {
        let part = Value::from_json_str(&text)?;
        part.as_object()?;
        if place == state.parts.len() {
            state.parts.push(part);
        } else {
            state.parts[place] = part;
        }
        Ok(UNDEFINED)
    })
}

fn add_members(input: &mut Value, part: &Value) -> anyhow::Result<()> {
    let members = input.as_object_mut()?;
    for (name, value) in part.as_object()?.iter() {
        members.insert(name.clone(), value.clone());
    }
    Ok(())
}

/// The text: the input, as a JSON object, but for the members that are kept at the places `one` and `other`; a place where nothing
/// can be adds none. `VALUE` leaves an answer in JSON, `FAILED` the reason.
#[unsafe(no_mangle)]
pub extern "C" fn evaluate(query: usize, one: usize, other: usize, wall_clock_ms: f64, timeout_ms: f64) -> u32 {
    WALL_CLOCK_NS.store(wall_clock_ms as u64 * 1_000_000, Relaxed);
    DEADLINE_MS.store((monotonic_ms() + timeout_ms + GRACE_MS).to_bits(), Relaxed);
    let outcome = with_text(|state, text| {
        let limit = Duration::try_from_secs_f64(timeout_ms / 1_000.0)?;
        state.engine.set_execution_timer_config(ExecutionTimerConfig {
            limit,
            check_interval: STEPS,
        });
        let mut input = Value::from_json_str(&text)?;
        for part in [one, other].into_iter().filter_map(|place| state.parts.get(place)) {
            add_members(&mut input, part)?;
        }
        state.engine.set_input(input);
        match state.engine.eval_rule(state.queries[query].clone())? {
            Value::Undefined => Ok(UNDEFINED),
            Value::Bool(false) => Ok(FALSE),
            Value::Bool(true) => Ok(TRUE),
            value => {
                state.answer.clear();
                serde_json::to_writer(&mut state.answer, &value)?;
                Ok(VALUE)
            }
        }
    });
    DEADLINE_MS.store(f64::INFINITY.to_bits(), Relaxed);
    outcome
}
