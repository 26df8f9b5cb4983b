// SPDX-License-Identifier: MIT

//! server KIND ADDRESS WORKERS [BUFFER] - Tokio, a task for each connection. The kinds hand and
//! handsink pass each chunk over a channel to a second task, which sends the reply.

use bytes::{Bytes, BytesMut};
use std::io::Read;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;

#[derive(Clone, Copy)]
enum Kind {
    Echo,
    Sink,
    Hand,
    HandSink,
}

fn fail(message: &str) -> ! {
    eprintln!("{message}");
    std::process::exit(1)
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, size: usize) {
    let mut buffer = vec![0u8; size];
    while let Ok(n) = stream.read(&mut buffer).await {
        if n == 0 || stream.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

async fn sink<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let mut buffer = vec![0u8; 64 * 1024];
    let mut received = 0u64;
    while let Ok(n) = stream.read(&mut buffer).await {
        received += n as u64;
        if n == 0 {
            let _ = stream.write_u64(received).await;
            return;
        }
    }
}

/// Passes on what comes until the end.
async fn read<R: AsyncRead + Unpin>(mut from: R, chunks: mpsc::Sender<Bytes>, size: usize) {
    let mut buffer = BytesMut::with_capacity(size);
    loop {
        if buffer.capacity() < 4096 {
            buffer.reserve(size);
        }
        match from.read_buf(&mut buffer).await {
            Ok(n) if n > 0 && chunks.send(buffer.split().freeze()).await.is_ok() => {}
            _ => return,
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(mut to: W, mut chunks: mpsc::Receiver<Bytes>) {
    while let Some(chunk) = chunks.recv().await {
        if to.write_all(&chunk).await.is_err() {
            return;
        }
    }
}

async fn count<W: AsyncWrite + Unpin>(mut to: W, mut chunks: mpsc::Receiver<Bytes>) {
    let mut received = 0u64;
    while let Some(chunk) = chunks.recv().await {
        received += chunk.len() as u64;
    }
    let _ = to.write_u64(received).await;
}

fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, kind: Kind, size: usize) {
    match kind {
        Kind::Echo => drop(tokio::spawn(echo(stream, size))),
        Kind::Sink => drop(tokio::spawn(sink(stream))),
        Kind::Hand | Kind::HandSink => unreachable!("these are split"),
    }
}

fn serve_halves<R, W>(from: R, to: W, kind: Kind, size: usize)
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (sender, receiver) = mpsc::channel::<Bytes>(16);
    if matches!(kind, Kind::Hand) {
        tokio::spawn(write(to, receiver));
        tokio::spawn(read(from, sender, size));
    } else {
        tokio::spawn(count(to, receiver));
        tokio::spawn(read(from, sender, 64 * 1024));
    }
}

async fn accept_tcp(listener: TcpListener, kind: Kind, size: usize) {
    loop {
        let (stream, _) = listener.accept().await.unwrap_or_else(|e| fail(&e.to_string()));
        let _ = stream.set_nodelay(true);
        if matches!(kind, Kind::Hand | Kind::HandSink) {
            let (from, to) = stream.into_split();
            serve_halves(from, to, kind, size);
        } else {
            serve(stream, kind, size);
        }
    }
}

async fn accept_unix(listener: UnixListener, kind: Kind, size: usize) {
    loop {
        let (stream, _) = listener.accept().await.unwrap_or_else(|e| fail(&e.to_string()));
        if matches!(kind, Kind::Hand | Kind::HandSink) {
            let (from, to) = stream.into_split();
            serve_halves(from, to, kind, size);
        } else {
            serve(stream, kind, size);
        }
    }
}

async fn run(address: String, kind: Kind, size: usize) -> std::io::Result<()> {
    if let Some(path) = address.strip_prefix("unix:") {
        let listener = UnixListener::bind(path)?;
        println!("LISTEN {path}");
        tokio::spawn(accept_unix(listener, kind, size));
    } else {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("LISTEN {}", listener.local_addr()?.port());
        tokio::spawn(accept_tcp(listener, kind, size));
    }
    Ok(())
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.len() < 4 {
        fail("usage: server KIND ADDRESS WORKERS [BUFFER]");
    }
    let kind = match args[1].as_str() {
        "echo" => Kind::Echo,
        "sink" => Kind::Sink,
        "hand" => Kind::Hand,
        "handsink" => Kind::HandSink,
        _ => fail("kinds: echo sink hand handsink"),
    };
    let number = |text: &String| text.parse::<usize>().unwrap_or_else(|e| fail(&e.to_string()));
    let size = args.get(4).map_or(16 * 1024, number);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(number(&args[3]))
        .enable_io()
        .build()
        .unwrap_or_else(|e| fail(&e.to_string()));
    runtime
        .block_on(runtime.spawn(run(args[2].clone(), kind, size)))
        .unwrap()
        .unwrap_or_else(|e| fail(&e.to_string()));
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(0);
}
