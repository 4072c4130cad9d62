//! Under construction.

mod executor;
mod mempool;
mod reply_table;

pub use executor::{
    Executed, Executor, Outcome, PayloadCheck, PayloadRefusal, Replies, RestoreError,
};
pub use mempool::{
    AdmissionError, Arrival, LocalProgress, Mempool, MempoolLimits, Origin, Standing, Waiting,
};
pub use reply_table::{MalformedReplyTable, ReplyLimits, ReplyTable, RequestStatus};
