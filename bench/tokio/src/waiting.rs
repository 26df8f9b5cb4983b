// SPDX-License-Identifier: MIT

//! Wakes from a foreign thread, and what a runtime does when there is nothing to do.

use crate::args::arg;
use crate::parallel::{turns_for, worked};
use crate::tasks::{gather, memory};
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, Notify};
use tokio::task::JoinHandle;

/// Pairs of tasks that work and send without end.
fn load(stop: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
    let turns = turns_for(arg("work", 1000));
    let pair = |_| {
        let (tx, mut rx) = mpsc::channel::<u64>(128);
        let stop = stop.clone();
        tokio::spawn(async move {
            for i in 0.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                tx.send(worked(i, turns)).await.unwrap();
            }
        });
        tokio::spawn(async move {
            let mut expected = 0;
            while let Some(v) = rx.recv().await {
                assert_eq!(worked(v, turns), expected);
                expected += 1;
            }
        })
    };
    (0..arg("load", 0)).map(pair).collect()
}

/// Prints the slow ones beside the result, which is the median.
fn latencies(mut ns: Vec<u64>) -> f64 {
    ns.sort_unstable();
    let n = ns.len();
    println!("INFO p99={} p999={} max={}", ns[n * 99 / 100], ns[n * 999 / 1000], ns[n - 1]);
    ns[n / 2] as f64
}

/// A plain thread sends the time of day every pause=us; the task that it wakes looks at
/// the clock. The median. load=N: beside N pairs of tasks that work.
pub async fn wake(n: usize) -> f64 {
    let pause = Duration::from_micros(arg("pause", 300) as u64);
    let stop = Arc::new(AtomicBool::new(false));
    let (tx, mut rx) = mpsc::channel::<u64>(128);
    let mut latency = Vec::with_capacity(n);
    let loaded = load(&stop);
    let start = Instant::now();
    let caller = std::thread::spawn(move || {
        for _ in 0..n {
            std::thread::sleep(pause);
            tx.blocking_send(start.elapsed().as_nanos() as u64).unwrap();
        }
    });
    for _ in 0..n {
        let sent = rx.recv().await.unwrap();
        latency.push(start.elapsed().as_nanos() as u64 - sent);
    }
    caller.join().unwrap();
    stop.store(true, Ordering::Relaxed);
    for task in loaded {
        task.await.unwrap();
    }
    latencies(latency)
}

/// n tasks are parked and nothing happens until the standard input ends.
pub async fn idle(n: usize) -> f64 {
    let crowd = gather(n).await;
    let ended = Arc::new(Notify::new());
    let end = ended.clone();
    std::thread::spawn(move || {
        println!("READY");
        std::io::stdin().read_to_end(&mut vec![]).unwrap();
        end.notify_one();
    });
    ended.notified().await;
    crowd.dismiss().await;
    0.0
}

/// How much of the memory that n parked tasks took is still there seconds=10 after they
/// have gone, in percent.
pub async fn peak(n: usize) -> f64 {
    let before = memory();
    let crowd = gather(n).await;
    let grown = memory() - before;
    crowd.dismiss().await;
    tokio::time::sleep(Duration::from_secs(arg("seconds", 10) as u64)).await;
    let left = memory() - before;
    println!("INFO bytes={:.1}", left / n as f64);
    100.0 * left / grown
}
