// SPDX-License-Identifier: MIT

//! Scenarios in which items go through channels.

use crate::args::{arg, fail, per};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

pub fn capacity(otherwise: i64) -> usize {
    arg("capacity", otherwise) as usize
}

/// A number there and its successor back; one operation is a round trip.
pub async fn pingpong(n: usize) -> f64 {
    let (there, mut asked) = mpsc::channel::<u64>(capacity(1));
    let (answer, mut back) = mpsc::channel::<u64>(capacity(1));
    let other = tokio::spawn(async move {
        while let Some(v) = asked.recv().await {
            answer.send(v + 1).await.unwrap();
        }
    });
    let start = Instant::now();
    for i in 0..n as u64 {
        there.send(i).await.unwrap();
        if back.recv().await != Some(i + 1) {
            fail("pingpong: a wrong answer");
        }
    }
    let result = per(start, n);
    drop(there);
    other.await.unwrap();
    result
}

/// Producers to one consumer; one operation is an item. (mpsc has no second consumer.)
pub async fn transfer(n: usize) -> f64 {
    let producers = arg("producers", 1) as u64;
    let each = n as u64 / producers;
    let (tx, mut rx) = mpsc::channel::<u64>(capacity(128));
    let start = Instant::now();
    let consumer = tokio::spawn(async move {
        let mut sum = 0u64;
        while let Some(v) = rx.recv().await {
            sum += v;
        }
        sum
    });
    for _ in 0..producers {
        let tx = tx.clone();
        tokio::spawn(async move {
            for v in 1..=each {
                tx.send(v).await.unwrap();
            }
        });
    }
    drop(tx);
    if consumer.await.unwrap() != producers * (each * (each + 1) / 2) {
        fail("transfer: items were lost");
    }
    per(start, (producers * each) as usize)
}

/// The same with one producer through a channel without a limit.
pub async fn transfer_unbounded(n: usize) -> f64 {
    let n = n as u64;
    let (tx, mut rx) = mpsc::unbounded_channel::<u64>();
    let start = Instant::now();
    let consumer = tokio::spawn(async move {
        let mut sum = 0u64;
        while let Some(v) = rx.recv().await {
            sum += v;
        }
        sum
    });
    tokio::spawn(async move {
        for v in 1..=n {
            tx.send(v).unwrap();
        }
    });
    if consumer.await.unwrap() != n * (n + 1) / 2 {
        fail("transfer: items were lost");
    }
    per(start, n as usize)
}

/// Whom each sends to; shuffled by the same sequence in every program.
fn ring_order(size: usize, shuffled: bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..size).collect();
    let mut state = 88172645463325252u64;
    for i in (1..if shuffled { size } else { 0 }).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(i, (state % (i as u64 + 1)) as usize);
    }
    let mut next = vec![0; size];
    for i in 0..size {
        next[order[i]] = order[(i + 1) % size];
    }
    next
}

/// A token that counts down goes round a ring of tasks; one operation is a hop.
pub async fn ring(n: usize) -> f64 {
    let size = arg("actors", 1000) as usize;
    let next = ring_order(size, arg("shuffle", 0) != 0);
    let (done, mut finished) = mpsc::channel::<u64>(1);
    let (mut txs, mut rxs) = (vec![], vec![]);
    for _ in 0..size {
        let (tx, rx) = mpsc::channel::<u64>(capacity(1));
        txs.push(tx);
        rxs.push(rx);
    }
    let first = txs[0].clone();
    let mut nodes = vec![];
    for (i, mut rx) in rxs.into_iter().enumerate() {
        let (tx, done) = (txs[next[i]].clone(), done.clone());
        nodes.push(tokio::spawn(async move {
            while let Some(token) = rx.recv().await {
                if token == 0 {
                    done.send(0).await.unwrap();
                    return;
                }
                tx.send(token - 1).await.unwrap();
            }
        }));
    }
    drop(txs);
    // Every task runs up to its first receive.
    tokio::time::sleep(Duration::from_millis(20)).await;

    let start = Instant::now();
    first.send(n as u64).await.unwrap();
    finished.recv().await.unwrap();
    let result = per(start, n);

    drop(first);
    for node in nodes {
        node.await.unwrap();
    }
    result
}

/// Numbers through stages that each add one; one operation is an item at a stage.
pub async fn pipeline(n: usize) -> f64 {
    let stages = arg("stages", 100) as u64;
    let (first, mut rx) = mpsc::channel::<u64>(capacity(64));
    for _ in 0..stages {
        let (tx, next) = mpsc::channel::<u64>(capacity(64));
        tokio::spawn(async move {
            while let Some(v) = rx.recv().await {
                tx.send(v + 1).await.unwrap();
            }
        });
        rx = next;
    }
    let start = Instant::now();
    tokio::spawn(async move {
        for i in 0..n as u64 {
            first.send(i).await.unwrap();
        }
    });
    let mut arrived = 0;
    while let Some(v) = rx.recv().await {
        if v != stages + arrived {
            fail("pipeline: a wrong number");
        }
        arrived += 1;
    }
    if arrived != n as u64 {
        fail("pipeline: items were lost");
    }
    per(start, n * stages as usize)
}
