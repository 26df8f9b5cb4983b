// SPDX-License-Identifier: MIT

//! crossbeam SCENARIO key=value... - crossbeam's channels between plain threads, a
//! twentieth of each scenario first to warm up.

mod args;

use args::{arg, fail, per, scenario};
use crossbeam_channel::{bounded, select, unbounded, Receiver, Sender};
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

/// Turns of work that each need the one before. Never 0 for a seed that is not 0.
#[inline(never)]
fn burn(mut seed: u64, turns: u64) -> u64 {
    for _ in 0..turns {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
    }
    seed
}

/// How many turns take `ns`, by the fastest of short blocks.
fn turns_for(ns: i64) -> u64 {
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
fn worked(item: u64, turns: u64) -> u64 {
    item + (burn(item + 1, turns) == 0) as u64
}

/// One thread works on each item and sends it, another receives it and works on it.
fn work(n: usize) -> f64 {
    if arg("stages", 2) != 2 {
        fail("work: two stages");
    }
    let turns = turns_for(arg("work", 1000));
    let (tx, rx) = channel();
    let start = Instant::now();
    thread::spawn(move || (0..n as u64).for_each(|v| tx.send(worked(v, turns)).unwrap()));
    let right = |(expected, v)| worked(v, turns) == expected as u64;
    if rx.iter().enumerate().filter(|&item| right(item)).count() != n {
        fail("work: a wrong number");
    }
    per(start, n)
}

/// One thread selects over four channels, each with its own producer.
fn select_four(n: usize) -> f64 {
    let each = n as u64 / 4;
    let start = Instant::now();
    let counting = || {
        let (tx, rx) = channel();
        let producer = tx.clone();
        thread::spawn(move || (1..=each).for_each(|v| producer.send(v).unwrap()));
        (tx, rx) // a channel without a sender would be selected for ever
    };
    let ((_a, a), (_b, b)) = (counting(), counting());
    let ((_c, c), (_d, d)) = (counting(), counting());
    let mut sum = 0;
    for _ in 0..4 * each {
        select! {
            recv(a) -> v => sum += v.unwrap(),
            recv(b) -> v => sum += v.unwrap(),
            recv(c) -> v => sum += v.unwrap(),
            recv(d) -> v => sum += v.unwrap(),
        }
    }
    if sum != 4 * (each * (each + 1) / 2) {
        fail("select: items were lost");
    }
    per(start, 4 * each as usize)
}

fn main() {
    let (run, otherwise): (fn(usize) -> f64, i64) = match scenario().as_str() {
        "pingpong" => (pingpong, 200_000),
        "transfer" => (transfer, 5_000_000),
        "work" => (work, 100_000),
        "select" => (select_four, 1_000_000),
        _ => fail("scenarios: pingpong transfer work select"),
    };
    let n = arg("n", otherwise) as usize;
    run(n / 20);
    println!("RESULT {:.3}", run(n));
}
