// SPDX-License-Identifier: MIT

//! What several workers gain, and how those fare who wait beside others.

use crate::args::{arg, fail, per};
use crate::channels::capacity;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// Turns of work that each need the one before. Never 0 for a seed that is not 0.
#[inline(never)]
pub fn burn(mut seed: u64, turns: u64) -> u64 {
    for _ in 0..turns {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
    }
    seed
}

/// How many turns take `ns`, by the fastest of short blocks.
pub fn turns_for(ns: i64) -> u64 {
    const TURNS: usize = 20_000;
    let (mut fastest, mut seed) = (f64::INFINITY, 88172645463325252);
    for _ in 0..400 {
        let start = Instant::now();
        seed = burn(seed, TURNS as u64);
        let turn = per(start, TURNS);
        if turn < fastest && seed != 0 {
            fastest = turn;
        }
    }
    (ns as f64 / fastest + 0.5) as u64
}

/// The item itself; the work's result decides that, so it cannot be left out.
pub fn worked(item: u64, turns: u64) -> u64 {
    item + (burn(item + 1, turns) == 0) as u64
}

/// A pipeline in which every stage, the first and the last included, works on each item;
/// one operation is an item that has gone through all stages.
pub async fn work(n: usize) -> f64 {
    let turns = turns_for(arg("work", 1000));
    let (first, mut rx) = mpsc::channel::<u64>(capacity(128));
    for _ in 2..arg("stages", 2) {
        let (tx, next) = mpsc::channel::<u64>(capacity(128));
        tokio::spawn(async move {
            while let Some(v) = rx.recv().await {
                tx.send(worked(v, turns)).await.unwrap();
            }
        });
        rx = next;
    }
    let start = Instant::now();
    tokio::spawn(async move {
        for i in 0..n as u64 {
            first.send(worked(i, turns)).await.unwrap();
        }
    });
    let mut arrived = 0;
    while let Some(v) = rx.recv().await {
        if worked(v, turns) != arrived {
            fail("work: a wrong number");
        }
        arrived += 1;
    }
    if arrived != n as u64 {
        fail("work: items were lost");
    }
    per(start, n)
}

fn counting_channel(each: u64) -> mpsc::Receiver<u64> {
    let (tx, rx) = mpsc::channel::<u64>(capacity(128));
    tokio::spawn(async move {
        for v in 1..=each {
            tx.send(v).await.unwrap();
        }
    });
    rx
}

/// One task selects over four channels, each with its own producer; one operation is an
/// item.
pub async fn select(n: usize) -> f64 {
    if arg("channels", 4) != 4 {
        fail("select: four channels");
    }
    let each = n as u64 / 4;
    let start = Instant::now();
    let (mut a, mut b) = (counting_channel(each), counting_channel(each));
    let (mut c, mut d) = (counting_channel(each), counting_channel(each));
    let mut sum = 0u64;
    for _ in 0..4 * each {
        tokio::select! {
            Some(v) = a.recv() => sum += v,
            Some(v) = b.recv() => sum += v,
            Some(v) = c.recv() => sum += v,
            Some(v) = d.recv() => sum += v,
        }
    }
    if sum != 4 * (each * (each + 1) / 2) {
        fail("select: items were lost");
    }
    per(start, 4 * each as usize)
}

/// Producers that send as fast as they can until the consumer has n items; how many times
/// as many the luckiest got rid of as the unluckiest.
pub async fn fair(n: usize) -> f64 {
    let producers = arg("producers", 8) as usize;
    let (tx, mut rx) = mpsc::channel::<usize>(capacity(128));
    for id in 0..producers {
        let tx = tx.clone();
        tokio::spawn(async move { while tx.send(id).await.is_ok() {} });
    }
    drop(tx);
    let mut got = vec![0u64; producers];
    for _ in 0..n {
        got[rx.recv().await.unwrap()] += 1;
    }
    let (most, least) = (*got.iter().max().unwrap(), *got.iter().min().unwrap());
    println!("INFO most={most} least={least}");
    most as f64 / least.max(1) as f64
}

async fn ask(mut gate: watch::Receiver<bool>, times: u64) {
    let (question, mut asked) = mpsc::channel::<u64>(1);
    let (answer, mut answered) = mpsc::channel::<u64>(1);
    tokio::spawn(async move {
        while let Some(v) = asked.recv().await {
            answer.send(v + 1).await.unwrap();
        }
    });
    gate.changed().await.unwrap();
    for i in 0..times {
        question.send(i).await.unwrap();
        if answered.recv().await != Some(i + 1) {
            fail("hog: a wrong answer");
        }
    }
}

/// One task wakes 500 others and computes for ms=200; they do n round trips with 500
/// partners. The result is how long that took, in milliseconds.
pub async fn hog(n: usize) -> f64 {
    const PAIRS: usize = 500;
    let limit = Duration::from_millis(arg("ms", 200) as u64);
    let (gate, opens) = watch::channel(false);
    let (began, begun) = oneshot::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> =
        (0..PAIRS).map(|_| tokio::spawn(ask(opens.clone(), (n / PAIRS) as u64))).collect();
    tokio::task::yield_now().await;
    let stopped = stop.clone();
    let hogging = tokio::spawn(async move {
        let (start, mut seed) = (Instant::now(), 1);
        began.send(start).unwrap();
        gate.send(true).unwrap();
        while !stopped.load(Ordering::Relaxed) && start.elapsed() < limit {
            seed = burn(seed, 1000);
        }
    });
    for asker in asking {
        asker.await.unwrap();
    }
    let result = per(begun.await.unwrap(), 1_000_000);
    stop.store(true, Ordering::Relaxed);
    hogging.await.unwrap();
    result
}
