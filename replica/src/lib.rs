//! Under construction.

mod mempool;

pub use mempool::{
    AdmissionError, Arrival, LocalProgress, Mempool, MempoolLimits, Origin, Standing, Waiting,
};
