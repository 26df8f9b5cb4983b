// SPDX-License-Identifier: MIT

//! Scenarios about many tasks.

use crate::args::{arg, fail, per};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, Notify};
use tokio::task::JoinHandle;

/// Waves of tasks that do nothing, all of a wave alive at once.
pub async fn spawn(n: usize) -> f64 {
    let wave = arg("wave", 10_000) as usize;
    let waves = (n + wave - 1) / wave;
    let mut handles = Vec::with_capacity(wave);
    let start = Instant::now();
    for _ in 0..waves {
        handles.extend((0..wave).map(|_| tokio::spawn(async {})));
        for handle in handles.drain(..) {
            handle.await.unwrap();
        }
    }
    per(start, waves * wave)
}

/// The bytes of this process in memory, its page tables included.
pub fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let counts = |line: &&str| line.starts_with("VmRSS:") || line.starts_with("VmPTE:");
    let kib = |line: &str| line.split_whitespace().nth(1).and_then(|v| v.parse::<f64>().ok());
    status.lines().filter(counts).filter_map(kib).sum::<f64>() * 1024.0
}

struct Gate {
    opens: Notify,
    all_here: Notify,
    missing: AtomicUsize,
}

async fn wait_at(gate: Arc<Gate>) {
    let opened = gate.opens.notified();
    tokio::pin!(opened);
    opened.as_mut().enable();
    if gate.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
        gate.all_here.notify_one();
    }
    opened.await;
}

/// Tasks that are parked at a gate.
pub struct Crowd {
    gate: Arc<Gate>,
    tasks: Vec<JoinHandle<()>>,
}

/// Returns when n tasks wait at the gate.
pub async fn gather(n: usize) -> Crowd {
    let gate = Arc::new(Gate {
        opens: Notify::new(),
        all_here: Notify::new(),
        missing: AtomicUsize::new(n),
    });
    let mut tasks = Vec::with_capacity(n);
    for _ in 0..n {
        tasks.push(tokio::spawn(wait_at(gate.clone())));
    }
    gate.all_here.notified().await;
    Crowd { gate, tasks }
}

impl Crowd {
    /// Returns when all have gone.
    pub async fn dismiss(self) {
        self.gate.opens.notify_waiters();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// n tasks parked at once on a gate; the bytes are per task.
pub async fn park(n: usize) -> f64 {
    let before = memory();
    let start = Instant::now();
    let crowd = gather(n).await;
    let bytes = (memory() - before) / n as f64;
    crowd.dismiss().await;
    let result = per(start, n);
    if n > 1 {
        println!("INFO bytes={bytes:.1}");
    }
    result
}

type Node = Pin<Box<dyn Future<Output = ()> + Send>>;

fn node(parent: mpsc::Sender<u64>, first: u64, size: u64, capacity: usize) -> Node {
    Box::pin(async move {
        if size == 1 {
            parent.send(first).await.unwrap();
            return;
        }
        let (tx, mut rx) = mpsc::channel::<u64>(capacity);
        for i in 0..10 {
            tokio::spawn(node(tx.clone(), first + i * (size / 10), size / 10, capacity));
        }
        let mut sum = 0;
        for _ in 0..10 {
            sum += rx.recv().await.unwrap();
        }
        parent.send(sum).await.unwrap();
    })
}

/// A tree of tasks with n leaves sums up its leaves; the whole in milliseconds.
pub async fn skynet(n: usize) -> f64 {
    let n = n as u64;
    let (root, mut sum) = mpsc::channel::<u64>(1);
    let start = Instant::now();
    tokio::spawn(node(root, 0, n, arg("capacity", 1) as usize));
    if sum.recv().await != Some(n * (n - 1) / 2) {
        fail("skynet: a wrong sum");
    }
    per(start, 1_000_000)
}

async fn give_way_times(times: usize) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

/// Two tasks give way to each other; one operation is one switch.
pub async fn give_way(n: usize) -> f64 {
    let start = Instant::now();
    let one = tokio::spawn(give_way_times(n / 2));
    let other = tokio::spawn(give_way_times(n / 2));
    one.await.unwrap();
    other.await.unwrap();
    per(start, n)
}
