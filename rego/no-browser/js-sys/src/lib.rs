//! What chrono asks a browser for, answered without one. The time of day is the host's (`time.now_ns`, in `rego/src/lib.rs`), and
//! the time zone of a process is UTC.
pub struct Date(f64);

impl Date {
    pub fn new_0() -> Self {
        Self(0.0)
    }
    pub fn new(milliseconds: &wasm_bindgen::JsValue) -> Self {
        Self(milliseconds.0)
    }
    pub fn new_with_year_month_day_hr_min_sec(_: u32, _: i32, _: i32, _: i32, _: i32, _: i32) -> Self {
        Self(0.0)
    }
    pub fn get_time(&self) -> f64 {
        self.0
    }
    pub fn get_timezone_offset(&self) -> f64 {
        0.0
    }
}
