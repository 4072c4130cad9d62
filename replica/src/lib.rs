//! Under construction.

mod checkpoints;
mod executor;
mod forwarding;
mod mempool;
mod quiet;
mod reply_table;

pub use checkpoints::{CheckpointConflict, CheckpointEvent, Checkpoints, Divergence};
pub use executor::{
    Executed, Executor, Outcome, PayloadCheck, PayloadRefusal, Replies, RestoreError,
};
pub use forwarding::{Forwarded, Forwarding, LeaderStyle};
pub use mempool::{
    AdmissionError, Arrival, LocalProgress, Mempool, MempoolLimits, Origin, Standing, Waiting,
};
pub use quiet::{EmptyTurn, Quiet};
pub use reply_table::{MalformedReplyTable, ReplyLimits, ReplyTable, RequestStatus};
