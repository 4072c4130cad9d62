//! The README's program, with comments: four replicas in one process add numbers up.
//!
//! `cargo run --release -p quorate-examples --bin counter`

use quorate::{Application, ClientId, Engine, Height, LocalCluster, RequestRef};

/// The replicated state: every replica has one, and all of them go through the same values.
struct Counter(u64);

impl Application for Counter {
    // Called once for each request, in the decided order. It must be deterministic, so it looks at
    // its state and at the request, and at nothing else: no clock, no randomness, no files.
    fn execute(&mut self, _: Height, request: RequestRef<'_>) -> Vec<u8> {
        // Requests are bytes from outside. One that makes no sense must not panic: it has been
        // decided, so it would stop every replica, and again at each restart.
        let text = String::from_utf8_lossy(request.body);
        self.0 = self.0.wrapping_add(text.parse().unwrap_or(0));
        self.0.to_string().into_bytes()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Real sockets and signatures, but nothing on disk: `.directory(...)` would add that.
    let replicas = LocalCluster::builder(4).engine(Engine::HotStuffTwoChain);
    let cluster = replicas.start(|_| Counter(0)).await?;

    // A client numbers its requests, so that none is executed twice.
    let client = cluster.replica(0).client(ClientId(1));
    for number in ["20", "15", "7"] {
        // Resolves when replica 0 has executed the request; the receipt has the reply, and the
        // certificate of the decision that ordered it.
        let receipt = client.submit(number).await?;
        let sum = receipt.reply.ok_or("the reply is no longer kept")?;
        let height = receipt.certificate.height;
        println!("{} at height {height}", String::from_utf8_lossy(&sum));
    }
    cluster.stop().await;
    Ok(())
}
