// SPDX-License-Identifier: MIT

//! crossbeam SCENARIO key=value... - crossbeam's channels between plain threads, a
//! twentieth of each scenario first to warm up.

mod args;

use args::{arg, fail, per, scenario};
use crossbeam_channel::{bounded, unbounded, Receiver, Sender};
use std::thread;
use std::time::Instant;

fn channel() -> (Sender<u64>, Receiver<u64>) {
    match arg("capacity", 128) {
        capacity if capacity < 0 => unbounded(),
        capacity => bounded(capacity as usize),
    }
}

/// A number there and its successor back; one operation is a round trip.
fn pingpong(n: usize) -> f64 {
    let ((there, asked), (answer, back)) = (channel(), channel());
    let other = thread::spawn(move || asked.iter().for_each(|v| answer.send(v + 1).unwrap()));
    let start = Instant::now();
    for i in 0..n as u64 {
        there.send(i).unwrap();
        if back.recv() != Ok(i + 1) {
            fail("pingpong: a wrong answer");
        }
    }
    let result = per(start, n);
    drop(there);
    other.join().unwrap();
    result
}

/// Producers to consumers through one channel; one operation is an item.
fn transfer(n: usize) -> f64 {
    let (producers, consumers) = (arg("producers", 1) as u64, arg("consumers", 1));
    let each = n as u64 / producers;
    let (tx, rx) = channel();
    let start = Instant::now();
    let consume = |rx: Receiver<u64>| thread::spawn(move || rx.iter().sum::<u64>());
    let send_all = move |tx: Sender<u64>| (1..=each).for_each(|v| tx.send(v).unwrap());
    let produce = |tx: Sender<u64>| thread::spawn(move || send_all(tx));
    let receiving: Vec<_> = (0..consumers).map(|_| consume(rx.clone())).collect();
    let sending: Vec<_> = (0..producers).map(|_| produce(tx.clone())).collect();
    drop((tx, rx));
    for thread in sending {
        thread.join().unwrap();
    }
    let sum: u64 = receiving.into_iter().map(|thread| thread.join().unwrap()).sum();
    if sum != producers * (each * (each + 1) / 2) {
        fail("transfer: items were lost");
    }
    per(start, (producers * each) as usize)
}

fn main() {
    let (run, otherwise): (fn(usize) -> f64, i64) = match scenario().as_str() {
        "pingpong" => (pingpong, 200_000),
        "transfer" => (transfer, 5_000_000),
        _ => fail("scenarios: pingpong transfer"),
    };
    let n = arg("n", otherwise) as usize;
    run(n / 20);
    println!("RESULT {:.3}", run(n));
}
