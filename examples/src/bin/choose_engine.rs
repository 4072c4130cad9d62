//! The same application on the engine that is named on the command line.
//!
//! `cargo run --release -p quorate-examples --bin choose_engine -- tendermint`

use quorate::{Application, ClientId, Engine, Height, LocalCluster, RequestRef};
use std::error::Error;
use std::time::Instant;

/// Remembers how many requests there have been.
struct Visitors(u64);

impl Application for Visitors {
    fn execute(&mut self, _: Height, request: RequestRef<'_>) -> Vec<u8> {
        self.0 += 1;
        let name = String::from_utf8_lossy(request.body);
        format!("{name} is visitor {}", self.0).into_bytes()
    }

    // Answers without consensus, from this replica's state as it is now.
    fn query(&self, _: &[u8]) -> Vec<u8> {
        self.0.to_string().into_bytes()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(name) = std::env::args().nth(1) else {
        let names = Engine::compiled().iter().map(|engine| engine.name());
        return Err(format!("name an engine: {}", names.collect::<Vec<_>>().join(", ")).into());
    };
    let engine: Engine = name.parse()?;
    let scheme = engine.usual_scheme();
    println!("{engine} with {scheme} signatures");
    let cluster = LocalCluster::builder(4)
        .engine(engine)
        .start(|_| Visitors(0))
        .await?;

    // Clients may be anywhere: each replica serves its own.
    for (index, visitor) in ["Ada", "Barbara", "Leslie", "Nancy"]
        .into_iter()
        .enumerate()
    {
        let client = cluster.replica(index).client(ClientId(index as u128));
        let start = Instant::now();
        let receipt = client.submit(visitor).await?;
        let reply = receipt.reply.ok_or("the reply is no longer kept")?;
        let (reply, height) = (String::from_utf8_lossy(&reply), receipt.certificate.height);
        println!("{reply}, at height {height}, after {:?}", start.elapsed());
    }

    // A query may be answered by a replica that is behind: wait for what it should know.
    let decided = cluster.replica(3).status().executed;
    let first = cluster.replica(0);
    first.wait_for(|status| status.executed >= decided).await?;
    println!(
        "replica 0 counts {}",
        String::from_utf8_lossy(&first.query(b"how many?"))
    );
    cluster.stop().await;
    Ok(())
}
