// SPDX-License-Identifier: MIT

//! tokio SCENARIO key=value... - the scenarios over Tokio's mpsc channels, a twentieth of
//! each first to warm up. runtime=current runs on one thread, otherwise workers=N
//! threads; everything measured is a spawned task, never the thread that blocks on it.

mod args;
mod channels;
mod parallel;
mod tasks;
mod waiting;

use args::{arg, fail, scenario, text_arg};

async fn run(name: &str, n: usize) -> f64 {
    match name {
        "pingpong" => channels::pingpong(n).await,
        "transfer" if arg("capacity", 128) < 0 => channels::transfer_unbounded(n).await,
        "transfer" => channels::transfer(n).await,
        "ring" => channels::ring(n).await,
        "pipeline" => channels::pipeline(n).await,
        "spawn" => tasks::spawn(n).await,
        "park" => tasks::park(n).await,
        "skynet" => tasks::skynet(n).await,
        "yield" => tasks::give_way(n).await,
        "select" => parallel::select(n).await,
        "work" => parallel::work(n).await,
        "fair" => parallel::fair(n).await,
        "hog" => parallel::hog(n).await,
        "wake" => waiting::wake(n).await,
        "idle" => waiting::idle(n).await,
        "peak" => waiting::peak(n).await,
        _ => fail(
            "scenarios: pingpong transfer ring pipeline spawn park skynet yield select work \
             wake idle fair hog peak",
        ),
    }
}

/// Operations, unless the command line says n=..., and how many of them to warm up.
fn sizes(name: &str) -> (usize, usize) {
    let otherwise = match name {
        "transfer" => 5_000_000,
        "ring" => 2_000_000,
        "pipeline" => 100_000,
        "yield" => 5_000_000,
        "work" | "hog" => 100_000,
        "wake" => 2_000,
        "idle" => 10_000,
        _ => 1_000_000,
    };
    let n = arg("n", otherwise) as usize;
    match name {
        "skynet" => (n, 1000),
        "park" => (n, 1),
        "idle" | "peak" => (n, 0),
        _ => (n, n / 20 + 1),
    }
}

fn main() {
    let name = scenario();
    let (n, warm_up) = sizes(&name);
    let runtime = if text_arg("runtime") == Some("current".to_string()) {
        tokio::runtime::Builder::new_current_thread().enable_time().build()
    } else {
        let workers = arg("workers", 2) as usize;
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_time().build()
    };
    let measured = async move {
        if warm_up > 0 {
            run(&name, warm_up).await;
        }
        let result = run(&name, n).await;
        if name != "idle" {
            println!("RESULT {result:.3}");
        }
    };
    let runtime = runtime.unwrap_or_else(|error| fail(&error.to_string()));
    runtime.block_on(async { tokio::spawn(measured).await.unwrap() });
}
