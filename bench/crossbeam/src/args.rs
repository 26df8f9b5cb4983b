// SPDX-License-Identifier: MIT

//! The command line, the clock, and what every program of the bench does the same way.

use std::time::Instant;

pub fn fail(message: &str) -> ! {
    eprintln!("{message}");
    std::process::exit(1)
}

pub fn scenario() -> String {
    std::env::args().nth(1).unwrap_or_else(|| fail("usage: SCENARIO key=value..."))
}

/// What follows "key=" on the command line.
pub fn text_arg(key: &str) -> Option<String> {
    let matches = |a: String| match a.split_once('=') {
        Some((k, value)) if k == key => Some(value.to_string()),
        _ => None,
    };
    std::env::args().skip(2).find_map(matches)
}

pub fn arg(key: &str, otherwise: i64) -> i64 {
    match text_arg(key) {
        Some(value) => value.parse().unwrap_or_else(|_| fail("not a number")),
        None => otherwise,
    }
}

/// Nanoseconds per operation since `start`.
pub fn per(start: Instant, n: usize) -> f64 {
    start.elapsed().as_nanos() as f64 / n as f64
}
