//! In place of the crate that calls into a browser: there is none.
pub struct JsValue(pub f64);

impl JsValue {
    pub fn from_f64(value: f64) -> Self {
        Self(value)
    }
}
