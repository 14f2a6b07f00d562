//! The thread that owns the database connection, and the bounded queue that feeds it.

use std::fmt;
use std::fs::File;
use std::io;
use std::thread;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;

/// So many operations may wait; further callers wait for room.
const QUEUE: usize = 256;

type Operation = Box<dyn FnOnce(&mut Connection) + Send>;

enum Command {
    Run(Operation),
    Close(oneshot::Sender<()>),
}

pub(super) struct Writer(mpsc::Sender<Command>);

impl Writer {
    /// Starts the thread; it holds `lock` for as long as the database is open.
    pub(super) fn start(database: Connection, lock: File) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        thread::Builder::new().name("store".to_owned()).spawn(move || serve(database, receiver, lock))?;
        Ok(Self(sender))
    }

    /// Runs `operation` in a transaction of its own. Once handed over it is carried out even if the caller is gone.
    pub(super) async fn transact<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, replied) = oneshot::channel();
        let run = Box::new(move |database: &mut Connection| {
            let result = in_transaction(database, operation);
            // A caller that is gone wanted the effect, not the result.
            let _ = reply.send(result);
        });
        self.0.send(Command::Run(run)).await.map_err(|_| StoreError::Closed)?;
        Ok(replied.await.map_err(|_| StoreError::Closed)??)
    }

    /// Returns once the database is closed and the lock is free.
    pub(super) async fn close(&self) {
        let (reply, replied) = oneshot::channel();
        if self.0.send(Command::Close(reply)).await.is_ok() {
            let _ = replied.await;
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Writer")
    }
}

fn serve(mut database: Connection, mut commands: mpsc::Receiver<Command>, lock: File) {
    let mut closed = None;
    while let Some(command) = commands.blocking_recv() {
        match command {
            Command::Run(operation) => operation(&mut database),
            Command::Close(reply) => {
                closed = Some(reply);
                break;
            }
        }
    }
    drop(commands);
    drop(database);
    drop(lock);
    if let Some(reply) = closed {
        let _ = reply.send(());
    }
}

fn in_transaction<T>(
    database: &mut Connection,
    operation: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let result = operation(&transaction)?;
    transaction.commit()?;
    Ok(result)
}
